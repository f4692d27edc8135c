// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0
//
// liburing's interface, and the few steps that need its barriers or that its helpers cannot be asked for separately.
#ifndef BELFRY_CLIBURING_H
#define BELFRY_CLIBURING_H
// First, because liburing.h defines _XOPEN_SOURCE, under which fd_set has other member names than elsewhere.
#include <sys/types.h>
#include <liburing.h>

/// Entry n of the queue's array always names submission entry n; liburing does the same from 2.5.
static inline void belfry_uring_number_entries(struct io_uring *ring) {
  for (unsigned index = 0; index < ring->sq.ring_entries; index++) ring->sq.array[index] = index;
}

/// Shows the prepared entries to the kernel; returns how many it has not taken yet.
static inline unsigned belfry_uring_publish(struct io_uring *ring) {
  struct io_uring_sq *sq = &ring->sq;
  sq->sqe_head = sq->sqe_tail;
  io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
  return sq->sqe_tail - IO_URING_READ_ONCE(*sq->khead);
}

/// Where the kernel stands in taking entries.
static inline unsigned belfry_uring_taken(struct io_uring *ring) { return IO_URING_READ_ONCE(*ring->sq.khead); }

/// The IORING_SQ_ flags.
static inline unsigned belfry_uring_flags(struct io_uring *ring) { return IO_URING_READ_ONCE(*ring->sq.kflags); }

/// What a completion says.
struct belfry_uring_answer {
  __u64 user_data;
  __s32 result;
  __u32 flags;
};

/// The completion at a position of those that io_uring_cq_ready counts.
static inline struct belfry_uring_answer belfry_uring_completion(struct io_uring *ring, unsigned index) {
  const struct io_uring_cqe *cqe = &ring->cq.cqes[(IO_URING_READ_ONCE(*ring->cq.khead) + index) & ring->cq.ring_mask];
  return (struct belfry_uring_answer){cqe->user_data, cqe->res, cqe->flags};
}

/// io_uring_enter(2) that submits, runs deferred work and, unless `timeout_ns` is 0, waits for a completion; negative
/// waits without limit. Returns the entries taken or -errno.
static inline int belfry_uring_enter(struct io_uring *ring, unsigned submit, unsigned flags, long long timeout_ns) {
  flags |= IORING_ENTER_GETEVENTS;
  if (timeout_ns <= 0) return io_uring_enter2(ring->enter_ring_fd, submit, timeout_ns < 0, flags, NULL, 0);
  struct __kernel_timespec limit = {timeout_ns / 1000000000, timeout_ns % 1000000000};
  struct io_uring_getevents_arg arg = {0, 0, 0, (__u64)(unsigned long)&limit};
  return io_uring_enter2(ring->enter_ring_fd, submit, 1, flags | IORING_ENTER_EXT_ARG, (sigset_t *)&arg, sizeof arg);
}

/// Names a block of `entries` (a power of two) slots, page-aligned, as buffer group 0; with `shared` the kernel fills a
/// slot piece by piece (IOU_PBUF_RING_INC, 6.12). Returns 0 or -errno.
static inline int belfry_uring_register_buffers(struct io_uring *ring, void *block, unsigned entries, int shared) {
  struct io_uring_buf_reg registration = {0};
  registration.ring_addr = (__u64)(unsigned long)block;
  registration.ring_entries = entries;
  // The flags of newer headers.
  registration.pad = shared ? 2 : 0;
  return io_uring_register_buf_ring(ring, &registration, 0);
}
#endif
