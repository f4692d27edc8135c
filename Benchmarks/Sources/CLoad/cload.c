// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "CLoad.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t cload_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t cload_thread_cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int cload_connect(const char *host, uint16_t port, int timeout_s) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    errno = EINVAL;
    return -1;
  }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct timeval limit = {timeout_s, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

int cload_watch(int epoll, int fd, uint32_t index) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -1;
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u32 = index;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int cload_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

int cload_wait_events(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
  if (nanoseconds < 0) nanoseconds = 0;
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  int n = (int)syscall(SYS_epoll_pwait2, epoll, events, count, &limit, NULL, (size_t)8);
  if (n < 0 && errno == ENOSYS) n = epoll_wait(epoll, events, count, (int)((nanoseconds + 999999) / 1000000));
  return n;
}

void cload_wake_in_time(void) { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }

int cload_shrink_receive_buffer(int fd) {
  int size = 2048;
  return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

ssize_t cload_discard(int fd, size_t length) { return recv(fd, NULL, length, MSG_TRUNC | MSG_DONTWAIT); }

ssize_t cload_receive(int fd, void *buffer, size_t length) { return recv(fd, buffer, length, 0); }

ssize_t cload_receive_now(int fd, void *buffer, size_t length) {
  return recv(fd, buffer, length, MSG_DONTWAIT);
}

ssize_t cload_send(int fd, const void *bytes, size_t length) {
  return send(fd, bytes, length, MSG_NOSIGNAL);
}

int cload_pin(int core, int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = 0; i < count; i++) CPU_SET(core + i, &set);
  return sched_setaffinity(0, sizeof set, &set);
}

int64_t cload_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  if (limit.rlim_max < 65536) {
    struct rlimit more = {65536, 65536};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) return 65536;
  }
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return (int64_t)limit.rlim_cur;
}

int cload_free_port(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  int port = -1;
  if (bind(fd, (struct sockaddr *)&address, length) == 0 && getsockname(fd, (struct sockaddr *)&address, &length) == 0)
    port = ntohs(address.sin_port);
  close(fd);
  return port;
}

void cload_set_niceness(int niceness) {
  setpriority(PRIO_PROCESS, 0, niceness);
  if (setsid() < 0) return;
  int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[8];
  int length = snprintf(text, sizeof text, "%d", niceness);
  ssize_t written = write(fd, text, (size_t)length);
  (void)written;
  close(fd);
}

enum { CLOAD_TRIPS = 500, CLOAD_ATTEMPTS = 20 };

struct cload_ball {
  _Alignas(128) atomic_int count;
  int other;
};

// Without the core the other side would only be waited for, so after many looks it is let run.
static void cload_await(atomic_int *count, int value) {
  for (int looks = 0; atomic_load_explicit(count, memory_order_acquire) != value; looks++)
    if (looks >= 10000) sched_yield();
}

static void *cload_return_ball(void *context) {
  struct cload_ball *ball = context;
  cload_pin(ball->other, 1);
  for (int i = 0; i < CLOAD_TRIPS * CLOAD_ATTEMPTS; i++) {
    cload_await(&ball->count, 2 * i + 1);
    atomic_store_explicit(&ball->count, 2 * i + 2, memory_order_release);
  }
  return NULL;
}

struct cload_game {
  struct cload_ball ball;
  int core;
  double nanoseconds;
};

static void *cload_play(void *context) {
  struct cload_game *game = context;
  pthread_t other;
  if (cload_pin(game->core, 1) < 0 || pthread_create(&other, NULL, cload_return_ball, &game->ball) != 0) return NULL;
  for (int attempt = 0, i = 0; attempt < CLOAD_ATTEMPTS; attempt++) {
    int64_t began = cload_now();
    for (int trip = 0; trip < CLOAD_TRIPS; trip++, i++) {
      atomic_store_explicit(&game->ball.count, 2 * i + 1, memory_order_release);
      cload_await(&game->ball.count, 2 * i + 2);
    }
    double nanoseconds = (double)(cload_now() - began) / CLOAD_TRIPS;
    if (attempt == 0 || nanoseconds < game->nanoseconds) game->nanoseconds = nanoseconds;
  }
  pthread_join(other, NULL);
  return NULL;
}

double cload_core_round_trip(int core, int other) {
  struct cload_game game = {.ball = {.other = other}, .core = core};
  pthread_t player;
  // A thread of its own: the caller's cores stay as they are.
  if (pthread_create(&player, NULL, cload_play, &game) != 0) return 0;
  pthread_join(player, NULL);
  return game.nanoseconds;
}

int cload_keep_processors_awake(void) {
  char driver[32] = "none";
  int fd = open("/sys/devices/system/cpu/cpuidle/current_driver", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    ssize_t length = read(fd, driver, sizeof driver);
    (void)length;
    close(fd);
  }
  if (strncmp(driver, "none", 4) == 0) return errno = ENOTSUP, -1;
  fd = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int32_t microseconds = 0;
  if (write(fd, &microseconds, sizeof microseconds) == sizeof microseconds) return fd;
  int why = errno;
  close(fd);
  return errno = why, -1;
}

int cload_spawn(char *const argv[], int core, int cores, int niceness, int out, int err) {
  int pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (core >= 0) cload_pin(core, cores);
  if (niceness != 0) cload_set_niceness(niceness);
  if (out >= 0) dup2(out, 1);
  if (err >= 0) dup2(err, 2);
  execvp(argv[0], argv);
  _exit(127);
}

int cload_wait(int pid, int block) {
  int status = 0;
  int r;
  do r = waitpid(pid, &status, block ? 0 : WNOHANG);
  while (r < 0 && errno == EINTR);
  if (r < 0) return -1;
  if (r == 0) return -2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void cload_mount_tracefs(void) { mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL); }

int cload_count_tracepoint(int thread, uint64_t id) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  attributes.inherit = 1;
  return (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}
