#ifndef BELFRY_CLIBURING_H
#define BELFRY_CLIBURING_H
#include <liburing.h>
#endif
