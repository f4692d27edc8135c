// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0
//
// What Swift's Glibc module leaves out. Declared without _GNU_SOURCE so that no type differs from Glibc's view of it.
#ifndef BELFRY_CLINUX_H
#define BELFRY_CLINUX_H
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC.
int clinux_accept(int fd);

/// socket(2) of a stream or datagram type with SOCK_NONBLOCK | SOCK_CLOEXEC.
int clinux_stream_socket(int family);
int clinux_datagram_socket(int family);

int clinux_bind(int fd, const struct sockaddr_storage *address, socklen_t length);
int clinux_connect(int fd, const struct sockaddr_storage *address, socklen_t length);
int clinux_address(int fd, int peer, struct sockaddr_storage *address, socklen_t *length);
ssize_t clinux_receive_from(int fd, void *bytes, size_t count, struct sockaddr_storage *address, socklen_t *length);
ssize_t clinux_send_to(int fd, const void *bytes, size_t count, const struct sockaddr_storage *address, socklen_t length);

/// Reserves address space for `count` bytes (mmap(2)); NULL when it cannot be had.
void *clinux_reserve(size_t count);
void clinux_release(void *block, size_t count);

/// The number of cores this process may run on, from the affinity mask; 1 when it cannot be read.
int clinux_available_cores(void);

/// epoll_pwait2(2) with nanoseconds (negative: no limit), or epoll_wait(2), rounded up, where the kernel lacks it.
int clinux_epoll_wait(int ep, struct epoll_event *events, int max, int64_t timeout_ns);

/// Soft and hard limit of open descriptors, or of locked memory; 0 when they were read.
int clinux_limit(int locked_memory, uint64_t *soft, uint64_t *hard);

/// Gives pages that the allocator keeps for later back to the kernel (malloc_trim(3)).
void clinux_trim(void);

/// Monotonic nanoseconds.
int64_t clinux_monotonic_ns(void);
#endif
