// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0
//
// What the load generator needs of Linux and Swift's Glibc module leaves out. Every call returns -1 and errno on error.
// The rest of the C library's headers stays out of here: with other feature macros than in Swift's own module of them its
// types would be others.
#ifndef BELFRY_CLOAD_H
#define BELFRY_CLOAD_H
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

/// Nanoseconds of the monotonic clock.
int64_t cload_now(void);

/// Nanoseconds of CPU the calling thread has used.
int64_t cload_thread_cpu(void);

/// A blocking TCP connection to a numeric IPv4 address, without delay, reads limited to `timeout_s` seconds.
int cload_connect(const char *host, uint16_t port, int timeout_s);

/// Makes a connected socket non-blocking and watches it edge-triggered, in and out; events carry `index`.
int cload_watch(int epoll, int fd, uint32_t index);

int cload_epoll(void);

/// Waits for events up to so many nanoseconds (epoll_pwait2(2), Linux 5.11); rounded up to milliseconds without it.
int cload_wait_events(int epoll, struct epoll_event *events, int count, int64_t nanoseconds);

/// Has the calling thread woken when it asked for it, not up to 50 µs later.
void cload_wake_in_time(void);

/// Keeps the kernel's receive buffer of a socket as small as it may be.
int cload_shrink_receive_buffer(int fd);

/// Takes up to `length` bytes off a TCP socket without copying them anywhere (tcp(7), MSG_TRUNC).
ssize_t cload_discard(int fd, size_t length);

ssize_t cload_receive(int fd, void *buffer, size_t length);

/// The same without waiting.
ssize_t cload_receive_now(int fd, void *buffer, size_t length);

ssize_t cload_send(int fd, const void *bytes, size_t length);

/// Pins the calling thread to `count` cores from `core` on.
int cload_pin(int core, int count);

/// Raises the soft limit of open descriptors to the hard one, that to 65,536 where it is allowed, and returns it.
int64_t cload_raise_descriptor_limit(void);

/// A loopback TCP port that was free a moment ago.
int cload_free_port(void);

/// Gives the process a nice value, and a session of its own with the same one: where the kernel groups processes by
/// session (sched(7), autogroup) the first alone counts only within the session.
void cload_set_niceness(int niceness);

/// Nanoseconds a cache line takes from one core to another and back, the least of some attempts; 0 if it can't be measured.
double cload_core_round_trip(int core, int other);

/// Has idle processors poll instead of sleeping for as long as the returned descriptor is open (the kernel's PM QoS
/// interface, /dev/cpu_dma_latency at 0 µs). ENOTSUP where no cpuidle driver would obey it.
int cload_keep_processors_awake(void);

/// Starts a program pinned to `cores` cores from `core` on (or anywhere, if negative) with the given nice value, as far as that is allowed,
/// and output; it dies with its parent.
int cload_spawn(char *const argv[], int core, int cores, int niceness, int out, int err);

/// Waits for a child: its exit status, 128 + signal, -1 on error, -2 if it still runs and `block` is 0.
int cload_wait(int pid, int block);

/// Mounts tracefs where perf(1) does; harmless if it is mounted or forbidden.
void cload_mount_tracefs(void);

/// Opens a counter of the given tracepoint for one thread and those it starts.
int cload_count_tracepoint(int thread, uint64_t id);
#endif
