// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int clinux_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int clinux_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int clinux_datagram_socket(int family) { return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int clinux_bind(int fd, const struct sockaddr_storage *address, socklen_t length) {
  return bind(fd, (const struct sockaddr *)address, length);
}

int clinux_connect(int fd, const struct sockaddr_storage *address, socklen_t length) {
  return connect(fd, (const struct sockaddr *)address, length);
}

int clinux_address(int fd, int peer, struct sockaddr_storage *address, socklen_t *length) {
  return peer ? getpeername(fd, (struct sockaddr *)address, length)
              : getsockname(fd, (struct sockaddr *)address, length);
}

ssize_t clinux_receive_from(int fd, void *bytes, size_t count, struct sockaddr_storage *address, socklen_t *length) {
  return recvfrom(fd, bytes, count, 0, (struct sockaddr *)address, length);
}

ssize_t clinux_send_to(int fd, const void *bytes, size_t count, const struct sockaddr_storage *address,
                       socklen_t length) {
  return sendto(fd, bytes, count, MSG_NOSIGNAL, (const struct sockaddr *)address, length);
}

void *clinux_reserve(size_t count) {
  void *block = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? NULL : block;
}

void clinux_release(void *block, size_t count) { munmap(block, count); }

int clinux_available_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

int clinux_epoll_wait(int ep, struct epoll_event *events, int max, int64_t timeout_ns) {
  static int missing = 0;
  if (!__atomic_load_n(&missing, __ATOMIC_RELAXED)) {
    struct timespec limit = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int count = epoll_pwait2(ep, events, max, timeout_ns < 0 ? NULL : &limit, NULL);
    if (count >= 0 || errno != ENOSYS) return count;
    __atomic_store_n(&missing, 1, __ATOMIC_RELAXED);
  }
  int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
  return epoll_wait(ep, events, max, ms > 2147483647 ? 2147483647 : (int)ms);
}

int64_t clinux_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int clinux_limit(int locked_memory, uint64_t *soft, uint64_t *hard) {
  struct rlimit limit;
  if (getrlimit(locked_memory ? RLIMIT_MEMLOCK : RLIMIT_NOFILE, &limit) != 0) return -1;
  *soft = limit.rlim_cur;
  *hard = limit.rlim_max;
  return 0;
}

void clinux_trim(void) { malloc_trim(0); }
