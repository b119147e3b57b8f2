#pragma once

#include <os/arrived_datagram.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/peer_credentials.hpp>

#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cetane {

class event_loop;

namespace os {
class datagram_outbox;
}

namespace detail {

class message;
struct io_blocks;

/// A descriptor that a backend watches for its owner. The backend's notes on it live in the object.
///
/// `slot` finds the object from an event; with the slot's generation a late event of a closed
/// descriptor finds nothing.
class io_object {
 public:
  io_object(const io_object&) = delete;
  io_object& operator=(const io_object&) = delete;

  // passing: a stream that takes descriptors with its bytes
  enum class kind : std::uint8_t { stream, passing, poll, datagram };

  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};

  int descriptor = -1;
  std::uint32_t slot = no_slot;
  kind type;
  bool reading = false;       // stream: the owner wants input delivered
  bool plain_input = false;   // stream: its owner's, see there
  bool plain_output = false;  // stream: nothing needs to be done besides writing what is staged
  bool readable = false;      // there may be input, or connections to accept
  bool writable = true;       // there may be room for output
  bool output_taken = false;  // stream: the backend holds output of it until its next poll
  bool hung_up = false;       // the peer ended its output, or the connection is gone
  bool short_read_empties = false;  // stream: a read that is short proves that no input is left
  bool is_tcp = false;
  bool bulky = false;          // stream: its last input was large
  bool unread_noted = false;   // stream: the backend has it on its list of those to read again
  bool one_shot = false;       // poll: watched for one event only
  std::uint8_t in_flight = 0;  // what the kernel works on for this object, if it is told of that
  std::int16_t failure = 0;    // stream: errno that broke it, for whoever reads or writes next

 protected:
  explicit io_object(kind k) noexcept : type(k) {}
  ~io_object() = default;
};

/// A connected stream socket. The backend calls up on the loop's thread, from poll() only, never
/// from within a call down.
class stream_io : public io_object {
 public:
  /// `bytes` bytes arrived. They are valid during the call, which may resume a task and may destroy
  /// this object.
  virtual void on_data(char* data, std::size_t bytes) noexcept = 0;

  /// Whether a task waits for more input: what has come already may then be brought at once. In a
  /// simulation each delivery is a turn of its own.
  virtual bool has_reader() const noexcept { return false; }

  /// The input has ended: 0 for the peer's orderly end, else an errno value. May destroy this
  /// object.
  virtual void on_end(int error) noexcept = 0;

  /// The peer ended its output (0) or the connection broke (errno), which may follow, and may be
  /// said again; input may still wait to be read. May destroy this object.
  virtual void on_hang_up(int error) noexcept = 0;

  /// There is room for output again after a write() that returned -EAGAIN. May destroy this object.
  virtual void on_writable() noexcept = 0;

  /// The last `bytes` of what write_soon() took were not sent: there is no room (0, and
  /// on_writable() follows), or why not. May destroy this object.
  virtual void on_unsent(std::string_view bytes, int error) noexcept {
    static_cast<void>(bytes);
    static_cast<void>(error);
  }

  /// So many bytes are staged, and write_soon() has said `result` to them; 0: it took nothing, or
  /// was not asked. May destroy this object.
  virtual void on_staged(std::size_t bytes, ssize_t result) noexcept = 0;

  /// These were left of what on_data() brought when the reader suspended; valid during the call.
  /// May destroy this object.
  virtual void on_unread(std::string_view bytes) noexcept { static_cast<void>(bytes); }

  // Only of a stream that takes descriptors:

  /// How many the next input may bring; the kernel closes what is beyond.
  virtual std::size_t descriptor_room() const noexcept { return 0; }

  /// These have come with the bytes that on_data() brings next, and are this object's to close();
  /// `cut`: there were more. False: the input has ended, without those bytes. Runs no task.
  virtual bool on_descriptors(std::span<const int> descriptors, bool cut) noexcept {
    static_cast<void>(descriptors);
    static_cast<void>(cut);
    return true;
  }

  /// on_data() is over, and this object is there still.
  virtual void on_delivered() noexcept {}

 protected:
  stream_io() noexcept : io_object(kind::stream) {}
  ~stream_io() = default;
};

/// A descriptor that is only waited for: a listener, a connection being made, or a descriptor of
/// the user's.
class poll_io : public io_object {
 public:
  /// Something that was waited for happened. May destroy this object.
  virtual void on_ready() noexcept = 0;

 protected:
  poll_io() noexcept : io_object(kind::poll) {}
  ~poll_io() = default;
};

/// A datagram socket.
class datagram_io : public io_object {
 public:
  /// Something has happened of which `readable`, `writable` and `failed` say what. May destroy this
  /// object.
  virtual void on_ready() noexcept = 0;

  bool failed = false;   // there may be something to take with take_failure()
  bool is_unix = false;  // a Unix socket, which is told of nothing later
  bool segments = true;  // several datagrams may leave as one that the system cuts

 protected:
  datagram_io() noexcept : io_object(kind::datagram) {}
  ~datagram_io() = default;
};

/// A datagram socket to be opened.
struct datagram_request {
  const address* to = nullptr;  // the only peer; null: whoever
  bool reuse_port = false;      // several sockets share the port, each datagram goes to one
  bool share_port = false;      // the same for multicast: each datagram goes to all
  bool merged = false;          // receive() may bring more than it was asked for
};

using os::arrived_datagram;
using os::datagram_failure;

struct listen_request {
  int backlog = 500;
  bool reuse_port = false;
};

/// What a simulated name server says.
struct name_answer {
  std::vector<address> addresses;  // their port is 0
  int error = 0;                   // instead of them: what getaddrinfo() would give
  duration takes = duration::zero();
};

/// The operating system as the event loop sees it: kernel and network, or a simulation of both.
///
/// Every call is made on the loop's thread except wake(). Calls that can fail return a negative
/// errno value and never throw, except for want of memory. Nothing here runs a task: tasks run from
/// the up-calls made by poll(). The descriptors that it gives out are its own until close(), so
/// that a child process can be rid of them.
class backend {
 public:
  virtual ~backend() = default;

  virtual std::string_view name() const noexcept = 0;
  virtual bool simulated() const noexcept { return false; }

  /// These are the blocks of the loop that it has been made for. What is staged in them may be put
  /// into memory of the backend's; then write_soon() need not copy it.
  virtual void begin(io_blocks& blocks) noexcept { static_cast<void>(blocks); }

  virtual time_point now() noexcept = 0;

  /// Delivers what has happened; if that is nothing, waits for it until `until` at the latest. A
  /// past time means: do not wait. A simulation throws simulation_stuck when nothing can ever end
  /// the wait. Says whether anything had happened, or may have.
  virtual bool poll(event_loop& loop, time_point until) = 0;

  /// Whether the next poll() has more to do than to look what has happened: something to submit, or
  /// input that has come already.
  virtual bool has_work() const noexcept { return false; }

  /// Ends a wait in poll(). The one call for other threads.
  virtual void wake() noexcept = 0;

  /// A call of the loop's begins, or has ended, on another thread, which will wake the loop. A
  /// simulation must know.
  virtual void begin_external() noexcept {}
  virtual void end_external() noexcept {}

  /// The same for a call whose answer somebody in `loop` waits for; `call` is what will be the
  /// answer.
  virtual void begin_call(event_loop& loop, const message& call) {
    static_cast<void>(loop);
    static_cast<void>(call);
    begin_external();
  }
  /// The answer has come, or nobody waits for it any more.
  virtual void end_call(const message& call) noexcept {
    static_cast<void>(call);
    end_external();
  }
  /// The answer, on that other thread: true if the backend has taken it, to deliver it itself from
  /// poll(); else it goes to the loop's mailbox.
  virtual bool keep_answer(message& answer) noexcept {
    static_cast<void>(answer);
    return false;
  }

  /// Looks a name up, where that is this backend's business; else the system is asked.
  virtual std::optional<name_answer> look_up(const std::string& name) {
    static_cast<void>(name);
    return std::nullopt;
  }

  /// Opens a listening socket; `bound` is its address with the real port.
  virtual int listen(const address& at, const listen_request& request, int& descriptor,
                     address& bound) = 0;

  /// Takes one connection from a listener: 0, -EAGAIN when there is none, or why not.
  virtual int accept(poll_io& listener, int& descriptor, address& peer) = 0;

  /// Begins to connect: 0 when connected at once, -EINPROGRESS when `descriptor` becomes writable
  /// at the end of it.
  virtual int connect(const address& to, const address* from, int& descriptor) = 0;
  virtual int connect_result(int descriptor) = 0;

  virtual int local_address(int descriptor, address& out) = 0;
  virtual int peer_address(int descriptor, address& out) = 0;
  /// Who is at the other end; -EOPNOTSUPP for what is no Unix socket.
  virtual int ask_peer_credentials(int descriptor, peer_credentials& out) = 0;
  virtual int set_keepalive(int descriptor) = 0;

  /// Ends our side of the connection: FIN.
  virtual int shutdown_write(stream_io& stream) = 0;

  /// Bytes sent that the peer has not acknowledged yet.
  virtual std::size_t unsent_bytes(const stream_io& stream) = 0;

  /// Makes another number for a descriptor of the user's: it, or a negative errno value.
  virtual int duplicate(int descriptor) {
    static_cast<void>(descriptor);
    return -EOPNOTSUPP;
  }

  /// A connection that nobody watches yet goes from one loop to another: the first gives it away,
  /// the second takes it. In between it is no loop's: a child that is forked then has it, too.
  virtual void give_away(int descriptor) noexcept { static_cast<void>(descriptor); }

  /// 0, or -ENOMEM and the descriptor is still the caller's.
  virtual int take_over(int descriptor) noexcept {
    static_cast<void>(descriptor);
    return 0;
  }

  /// Closes a descriptor of this backend's that is not watched; `reset` makes it an RST.
  virtual void close(int descriptor, bool reset) noexcept = 0;

  /// Begins to watch. The object stays where it is until unwatch().
  virtual int watch(stream_io& stream, bool is_tcp) = 0;
  virtual int watch(poll_io& object) = 0;

  /// Watches a descriptor of the user's for one event; poll() then calls on_ready() and forgets it.
  virtual int watch_once(poll_io& object, bool for_writing) = 0;

  /// Forgets the object: no up-call follows. The descriptor stays open.
  virtual void unwatch(io_object& object) noexcept = 0;

  /// Begins or ends the delivery of input.
  virtual void set_reading(stream_io& stream, bool on) noexcept = 0;

  /// Sends from `parts`: the number of bytes taken, or -EAGAIN (on_writable() follows), or why not.
  virtual ssize_t write(stream_io& stream, const iovec* parts, int count) noexcept = 0;

  /// As write(), or takes a copy of everything and sends it in the next poll(), together with what
  /// others have given it; `output_taken` says which. Before anything else is done with the
  /// stream's output, send_taken() must have been called; until then this gives -EAGAIN.
  virtual ssize_t write_soon(stream_io& stream, std::string_view bytes) noexcept = 0;

  struct unsent {
    std::string_view bytes;  // valid until the next call
    int error = 0;           // why not; 0: there is no room, and on_writable() follows
  };
  /// Sends what write_soon() has taken from this stream, at once, and gives back what it could not.
  virtual unsent send_taken(stream_io& stream) noexcept {
    static_cast<void>(stream);
    return {};
  }

  /// As write(), with copies of descriptors, which leave with the first of the bytes. -EOPNOTSUPP:
  /// there is no such thing here.
  virtual ssize_t write_with(stream_io& stream, std::string_view bytes,
                             std::span<const int> descriptors) noexcept {
    static_cast<void>(stream);
    static_cast<void>(bytes);
    static_cast<void>(descriptors);
    return -EOPNOTSUPP;
  }

  /// Sends what write_soon() has taken from all, as far as there is room: no poll() may follow.
  virtual void flush() noexcept {}

  /// Says what is still open, watched or under way though nobody can want it any more: when a loop
  /// has ended there is nothing. Empty if so.
  virtual std::string leftovers() const { return {}; }

  /// Opens a datagram socket at `at`; at no address at all, which needs a peer, wherever the system
  /// likes. `bound` is its address with the real port.
  virtual int open_datagram(const address& at, const datagram_request& request, int& descriptor,
                            address& bound) = 0;
  virtual int watch(datagram_io& socket) = 0;

  /// Takes up to `count` datagrams, 32 at most, of `limit` bytes each: valid until the next call.
  /// Several of one sender may count as one if the socket was opened so. When there are none,
  /// on_ready() follows when there are. What one has beyond the limit is lost.
  virtual std::span<const arrived_datagram> receive(datagram_io& socket, std::size_t limit,
                                                    std::size_t count) noexcept = 0;

  /// Sends `parts` as one datagram, or none of it: -EAGAIN when there is no room, and on_ready()
  /// follows when there is; -ENOBUFS when nobody will tell when there is; or why not. To the only
  /// peer if `to` is null. What has become of earlier ones is not told here.
  virtual ssize_t send(datagram_io& socket, const address* to, const iovec* parts,
                       int count) noexcept = 0;

  /// Sends several, in their order, those of `what` from number `first` on: how many have left, at
  /// least one; or what send() says of the first. What another one is refused for is said when it
  /// is the first.
  virtual int send_several(datagram_io& socket, const os::datagram_outbox& what,
                           std::size_t first) noexcept = 0;

  /// Takes one note of what has become of a datagram: 0, or -EAGAIN when there is none.
  virtual int take_failure(datagram_io& socket, datagram_failure& out) noexcept = 0;

  /// Joins or leaves a multicast group, on the interface with the address `on` if that is one.
  virtual int set_membership(int descriptor, const address& group, const address& on,
                             bool member) = 0;
  virtual int set_broadcast(int descriptor, bool allowed) = 0;

  /// Sends from a file, as write(). -EINVAL or -ENOSYS: this file cannot be sent so.
  virtual ssize_t send_file(stream_io& stream, int file, off_t offset,
                            std::size_t count) noexcept = 0;
};

}  // namespace detail
}  // namespace cetane
