/* The relay: a small process beside the program that takes its metrics on localhost and sends them
 * to the gateway. It is forked, never exec'd: only so it stays without an exit signal, which is
 * what keeps it out of the program's wait(-1) (an execve would set it to SIGCHLD, de_thread in
 * fs/exec.c). It ends after the program, whose pidfd it watches. */
#ifndef BELLHOP_RELAY_H
#define BELLHOP_RELAY_H
#include "relay_listen.h"

enum { BIND_MS_MAX = 2000, ENDING_MS_MAX = 1000, HOLD_MS = 2, BUSY_DATAGRAMS = 4 };
enum { DATAGRAMS_A_ROUND = 512, PARENT_LOOK_MS = 200 };
enum { POLLS_MAX = 2 + LISTENERS_MAX + TARGETS_MAX + 2 * CONNECTIONS_MAX };

static struct pollfd polls[POLLS_MAX]; /* each at its fixed place */
static u32 poll_count;

static void close_range(u32 first, u32 last) {
  if (first > last || sys3(SYS_close_range, first, last, 0) != -E_NOSYS) return;
  for (u32 fd = first; fd <= last && fd < arrival.files.hard && fd < 65536; fd++)
    sys1(SYS_close, fd);
}

/* The words of the command line and the environment are the program's. Whole pages go back to the
 * kernel: zeros of our own would be memory of our own. */
static void forget_strings(void) {
  char *from = arrival.argv[0], *end = from;
  for (u64 i = 0; i < arrival.envc; i++) end = arrival.envp[i] + length(arrival.envp[i]) + 1;
  if (!arrival.envc && arrival.argc)
    end = arrival.argv[arrival.argc - 1] + length(arrival.argv[arrival.argc - 1]) + 1;
  if (!from || end < from) return;
  char *first = (char *)(((u64)from + 4095) & ~4095ul), *last = (char *)((u64)end & ~4095ul);
  if (first < last) {
    sys3(SYS_madvise, first, last - first, MADV_DONTNEED);
    memset(from, 0, (u64)(first - from));
    memset(last, 0, (u64)(end - last));
  } else {
    memset(from, 0, (u64)(end - from));
  }
  append(from, end - 1, "bellhop relay");
}

/* Becomes a process of its own: nothing of the program's is held, and no signal but KILL of its
 * group or its terminal arrives. `ready` is the pipe that tells that all is bound; in the
 * foreground it is standard error, which stays closed from here on. */
static void detach(int ready) {
  close_range(0, 2);
  if (last_phase) sys0(SYS_setsid);
  sys1(SYS_chdir, "/");
  sys2(SYS_prctl, PR_SET_NAME, "bellhop-relay");
  forget_strings();
  sys2(SYS_munmap, document.map, document.map_bytes);
  sys2(SYS_munmap, document.pointers, document.pointers_bytes);
  /* Only now: it takes /proc/self away from us. */
  sys2(SYS_prctl, PR_SET_DUMPABLE, 0);
  sys3(SYS_write, ready, "", 1);
  sys1(SYS_close, ready);
}

static void watch(int fd, short events) {
  polls[poll_count++] = (struct pollfd){fd, events, 0};
}

/* Everything that is waited for, each at its fixed place; a negative descriptor is passed over. */
static void set_polls(i64 hold_until) {
  poll_count = 0;
  watch(relay.ending_at ? -1 : relay.parent, POLLIN);
  for (u32 i = 0; i < LISTENERS_MAX; i++) {
    struct listener *one = &relay.listener[i];
    /* A socket file has room for ten datagrams only: it is always read. */
    int is_held = hold_until > relay.now && one->use == USE_STATSD;
    if (one->address.data[0] == AF_UNIX) is_held = 0;
    watch(i < relay.listeners && !is_held ? one->fd : -1, POLLIN);
  }
  for (u32 i = 0; i < TARGETS_MAX; i++) {
    struct target *to = &relay.target[i];
    int out = to->connecting || to->blocked;
    short in = to->is_stream ? POLLIN : 0;
    watch(i < relay.targets && (out || in) ? to->fd : -1, out ? POLLOUT : in);
  }
  for (u32 i = 0; i < CONNECTIONS_MAX; i++)
    for (int side = 0; side < 2; side++) {
      struct connection *one = &relay.connection[i];
      short events = one->open ? wanted(one, side) : 0;
      watch(events ? one->side[side] : -1, events);
    }
  watch(names.fd ? names.fd : -1, POLLIN);
}

static u32 read_datagrams(struct listener *one) {
  struct target *to = &relay.target[one->target];
  u32 count = 0;
  for (; count < DATAGRAMS_A_ROUND; count++) {
    i64 n = receive(one->fd, relay.datagram, DATAGRAM_BYTES_MAX);
    if (n < 0) break;
    if (one->use == USE_STATSD) add_lines(relay.datagram, (u32)n, 1);
    else if (!is_ready(to) || transmit(to->fd, relay.datagram, (u64)n) < 0) {
      relay.dropped_datagrams++;
      if (to->fd >= 0 && to->address.data[0] == AF_UNIX) put_off(to);
    }
  }
  return count;
}

static void serve_target(struct target *to, short events) {
  u8 ignored[256];
  if (!events) return;
  if (to->connecting) { opened(to); return; }
  to->blocked = 0;
  if (!to->is_stream || !(events & (POLLIN | POLLHUP | POLLERR))) return;
  i64 n = receive(to->fd, ignored, sizeof ignored);
  if (n == 0 || (n < 0 && n != -E_AGAIN)) lost_stream(to);
}

/* Returns how much there was to do. */
static u32 serve(void) {
  u32 at = 1, work = 0;
  for (u32 i = 0; i < LISTENERS_MAX; i++, at++) {
    struct listener *one = &relay.listener[i];
    if (polls[at].fd < 0 || !polls[at].revents) continue;
    if (one->use == USE_STATSD || one->use == USE_DATAGRAMS) work += read_datagrams(one);
    else accept_one(one), work++;
  }
  for (u32 i = 0; i < TARGETS_MAX; i++, at++)
    if (polls[at].fd >= 0) serve_target(&relay.target[i], polls[at].revents);
  for (u32 i = 0; i < CONNECTIONS_MAX; i++, at += 2) {
    if (!relay.connection[i].open || (polls[at].fd < 0 && polls[at + 1].fd < 0)) continue;
    work += (polls[at].revents | polls[at + 1].revents) != 0;
    serve_connection(&relay.connection[i], polls + at);
  }
  if (polls[at].fd >= 0 && polls[at].revents) hear_name();
  return work;
}

/* The pidfd only wakes us: who our parent is, is asked each time. In the foreground there is no
 * program, and a signal is the end. */
static int has_ended(void) {
  if (!last_phase) return ended_by;
  return polls[0].revents != 0 || sys0(SYS_getppid) != arrival.pid;
}

/* Milliseconds until there is something to do without anything coming in. */
static i64 pause_ms(i64 hold_until, i64 tell_at) {
  i64 at = tell_at;
  struct target *to = &relay.target[0];
  if (hold_until > relay.now) at = hold_until;
  if (queue.head < queue.tail && to->retry_at > relay.now && to->retry_at < at) at = to->retry_at;
  if (relay.servers && names.at < at) at = names.at;
  if (relay.parent < 0 && at > relay.now + PARENT_LOOK_MS) at = relay.now + PARENT_LOOK_MS;
  if (relay.ending_at && at > relay.now + FULL_MS) at = relay.now + FULL_MS;
  return at > relay.now ? at - relay.now : 0;
}

static int is_idle(void) {
  if (queue.head < queue.tail || queue.open_bytes) return 0;
  for (u32 i = 0; i < CONNECTIONS_MAX; i++) {
    const struct connection *one = &relay.connection[i];
    if (!one->open || one->use != USE_STREAM) continue;
    for (int f = 0; f < 2; f++)
      if (one->connecting || one->flow[f].from < one->flow[f].to) return 0;
  }
  return 1;
}

/* The kernel refuses more entries than descriptors may be open, so only those that are go in. */
static void wait_polls(i64 left) {
  static struct pollfd packed[POLLS_MAX];
  struct timespec time = {left / 1000, left % 1000 * 1000000};
  u32 count = 0;
  for (u32 i = 0; i < poll_count; i++)
    if (polls[i].fd >= 0) packed[count++] = polls[i];
  /* In the foreground signals come in here and nowhere else. */
  i64 ready = sys5(SYS_ppoll, packed, count, &time, last_phase ? 0 : &arrival.blocked, 8);
  for (u32 i = 0, at = 0; i < poll_count && ready > 0; i++)
    if (polls[i].fd >= 0) polls[i].revents = packed[at++].revents;
}

static void relay_loop(void) {
  i64 hold_until = 0, tell_at = monotonic_ms() + REPORT_MS;
  int told = 0;
  for (;;) {
    relay.now = monotonic_ms();
    set_polls(hold_until);
    wait_polls(pause_ms(hold_until, tell_at));
    relay.now = monotonic_ms();
    u32 work = serve();
    ask_name();
    if (!relay.ending_at && has_ended()) relay.ending_at = relay.now + ENDING_MS_MAX, work++;
    if (hold_until <= relay.now || relay.ending_at) {
      send_queue();
      hold_until = work >= BUSY_DATAGRAMS && !relay.ending_at ? relay.now + HOLD_MS : 0;
    }
    int is_last = relay.ending_at && !work && !told;
    if (relay.now >= tell_at || is_last) {
      tell_counts();
      tell_at = relay.now + REPORT_MS;
      told |= is_last;
      send_queue();
    }
    if (relay.ending_at && ((told && !work && is_idle()) || relay.now >= relay.ending_at)) return;
  }
}

static void relay_main(int ready) {
  struct cursor record = document.relay;
  u64 bytes = (u64)(record.end - record.at);
  u64 connections = sizeof *relay.connection * CONNECTIONS_MAX;
  u8 *memory = (u8 *)sys6(SYS_mmap, 0, QUEUE_BYTES + DATAGRAM_BYTES_MAX + RECORD_BYTES_MAX +
                          L(connections), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  block_all_signals();
  close_range(0, 1);
  close_range(3, (u32)ready - 1);
  close_range((u32)ready + 1, ~0u);
  if ((i64)memory < 0 && (i64)memory > -4096) quit(EXIT_LAUNCHER);
  queue.bytes = memory;
  relay.datagram = memory + QUEUE_BYTES;
  relay.connection = (struct connection *)(memory + QUEUE_BYTES + DATAGRAM_BYTES_MAX +
                                           RECORD_BYTES_MAX);
  /* Of the document, which holds the program's variables, this is all that stays. */
  u8 *copy = relay.datagram + DATAGRAM_BYTES_MAX;
  if (bytes > RECORD_BYTES_MAX) quit(EXIT_LAUNCHER);
  memcpy(copy, record.at, bytes);
  record = (struct cursor){copy, copy + bytes, 0};
  if (!read_relay(&record)) quit(EXIT_LAUNCHER);
  relay.now = monotonic_ms();
  relay.parent = above_stdio(sys2(SYS_pidfd_open, arrival.pid, 0));
  if (!open_listeners()) quit((int)relay.fail_exit);
  i64 error;
  change_ids(&error);
  if (error) quit(0);
  detach(ready);
  relay_loop();
  for (u32 i = 0; i < relay.listeners; i++) {
    struct listener *one = &relay.listener[i];
    if (one->fd >= 0 && one->address.data[0] == AF_UNIX)
      sys3(SYS_unlinkat, AT_CWD, one->address.data + 2, 0);
  }
  quit(0);
}

/* Waits until its ports are there: the program's first metric must not be lost. Returns 0 where all
 * is well, or the program's own start fails by the same and tells. */
static int await_relay(i64 pid, int ready, const char *not_started) {
  struct pollfd wait = {ready, POLLIN, 0};
  struct timespec time = {BIND_MS_MAX / 1000, 0};
  int status = 0;
  char byte;
  i64 heard = sys5(SYS_ppoll, &wait, 1, &time, 0, 0);
  if (heard > 0 && sys3(SYS_read, ready, &byte, 1) == 1) return 0;
  sys2(SYS_kill, pid, SIG_KILL);
  sys4(SYS_wait4, pid, &status, W_CLONE, 0);
  /* What it could not listen at it has told itself; a signal and EXIT_LAUNCHER come untold. */
  if (status & 127 || status >> 8 == EXIT_LAUNCHER)
    write_report(not_started, heard > 0 ? "it ended at once" : "not ready in time");
  return status;
}

/* The ends of its pipe are closed by our execve. */
static void start_relay(void) {
  struct cursor record = document.relay;
  int ends[2] = {-1, -1}, failed = 1;
  const char *step = "pipe2";
  u32 fail_exit = take_u32(&record);
  take_string(&record);
  const char *not_started = take_string(&record);
  sys1(SYS_close, runtime.socket);
  sys1(SYS_close, runtime.document);
  borrow_limits();
  i64 pid = sys2(SYS_pipe2, ends, O_CLOEXEC);
  for (int i = 0; i < 2; i++) ends[i] = above_stdio(ends[i]);
  if (pid == 0) step = "clone", pid = sys5(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) relay_main(ends[1]); /* with the wide limits */
  return_limits();
  sys1(SYS_close, ends[1]);
  if (pid < 0) print_report(not_started, step, -pid);
  else failed = await_relay(pid, ends[0], not_started);
  if (fail_exit && failed) quit((int)fail_exit);
}

#endif
