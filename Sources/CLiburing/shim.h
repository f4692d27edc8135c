#ifndef BELFRY_CLIBURING_H
#define BELFRY_CLIBURING_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <liburing.h>
#endif
