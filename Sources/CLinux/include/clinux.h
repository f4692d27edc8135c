// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0
//
// What Swift's Glibc module leaves out. Constants that are built by macros Swift cannot import become functions.
#ifndef BELFRY_CLINUX_H
#define BELFRY_CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/// accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC.
static inline int clinux_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

/// socket(2) with SOCK_NONBLOCK | SOCK_CLOEXEC.
static inline int clinux_socket(int family, int type) {
  return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static inline int clinux_stream(void) { return SOCK_STREAM; }
static inline int clinux_datagram(void) { return SOCK_DGRAM; }

/// The calling thread's kernel ID (gettid(2)).
static inline int clinux_thread_id(void) { return (int)gettid(); }

/// The number of cores this process may run on, from the affinity mask; 1 when it cannot be read.
static inline int clinux_available_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

/// epoll_pwait2(2), falling back to epoll_wait(2) with the time-out rounded up where the kernel lacks it.
static inline int clinux_epoll_wait(int ep, struct epoll_event *events, int max, int64_t timeout_ns) {
  static int missing = 0;
  if (!__atomic_load_n(&missing, __ATOMIC_RELAXED)) {
    struct timespec ts = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int r = epoll_pwait2(ep, events, max, timeout_ns < 0 ? NULL : &ts, NULL);
    if (r >= 0 || (errno != ENOSYS)) return r;
    __atomic_store_n(&missing, 1, __ATOMIC_RELAXED);
  }
  int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
  return epoll_wait(ep, events, max, ms > 2147483647 ? 2147483647 : (int)ms);
}

/// Monotonic nanoseconds.
static inline int64_t clinux_monotonic_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
#endif
