// What contexts cost the control loop, and what it costs to ask or end all of them at once.
//
//   bench_iq_contexts [CONTEXTS]
//
// Adds run one after the other, as the call flow's; then as many contexts as asked for are made, audited and subtracted with Context=*. CPU of the control
// loop's thread and of the process, and how long the longest handler held the loop; the text is parsed outside of what is measured, and written beside it.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include <agw/core/log.hpp>
#include <agw/core/shard.hpp>
#include <agw/gateway/stages.hpp>
#include <agw/h248/text.hpp>
#include <agw/h248/transaction_segments.hpp>
#include <agw/iq/media_gateway.hpp>
#include <agw/transports/certificate.hpp>
#include <agw/transports/sctp_stack.hpp>

using namespace agw;

namespace {

double seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double resident_megabytes() {
  long pages = 0;
  if (FILE* f = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(f);
  }
  return static_cast<double>(pages) * 4096 / 1e6;
}

struct cost {
  double control = 0;  ///< seconds of CPU, of the control loop's thread
  double process = 0;  ///< of all threads
  double wall = 0;
  double longest = 0;  ///< turn of the control loop, seconds of CPU
  std::size_t octets = 0;
  double written = 0;   ///< seconds of CPU for the reply's text
  double longest_piece = 0;  ///< of that, a turn of the control loop
  std::size_t messages = 0;
};

class bench {
 public:
  bench()
      : ports_(20000, 29999),
        shards_(std::max(1u, std::thread::hardware_concurrency())),
        control_(loop_.get_executor(), {}),
        registration_(control_, {}, 1),
        services_(made_services()),
        gateway_(sides(), services_, shards_, control_, registration_, names_) {}
  ~bench() {
    run([this] { return gateway_.close(); });
    shards_.stop();
  }

  cost ask(const std::string& actions) {
    auto in = std::make_shared<h248::parsed_message>(h248::parse("MEGACO/3 mgc Transaction=" + std::to_string(++last_) + "{" + actions + "}"));
    if (!in->ok()) std::abort();
    const auto& request = std::get<h248::transaction_request>((*in)->transactions.front());
    const h248::incoming_request asked(h248::peer_address(), in, request);
    h248::outgoing_reply reply;
    auto out = run([&]() -> awaitable<void> { co_await gateway_.execute(asked, reply); });
    h248::message answer;
    answer.version = 3;
    reply->id = request.id;
    answer.from = {h248::mid::form::device, "mg", {}};
    answer.transactions.push_back(std::move(*reply));
    write(answer, out);
    return out;
  }
  std::size_t contexts() const { return gateway_.contexts(); }

 private:
  static constexpr std::size_t message_room = 65'531;  // over TCP

  // As the endpoint does, which gives way behind each piece.
  static void write(const h248::message& whole, cost& out) {
    auto one = whole;
    const auto text_of = [&one](const h248::transaction_reply& r) {
      one.transactions.clear();
      one.transactions.emplace_back(r);
      return h248::to_text(one, h248::layout::compact).size();
    };
    double begun = seconds(CLOCK_THREAD_CPUTIME_ID);
    h248::reply_cutter pieces(std::get<h248::transaction_reply>(whole.transactions.front()), message_room, text_of);
    while (const auto piece = pieces.next()) {
      out.octets += text_of(*piece);
      ++out.messages;
      const double now = seconds(CLOCK_THREAD_CPUTIME_ID);
      out.written += now - begun;
      out.longest_piece = std::max(out.longest_piece, now - begun);
      begun = now;
    }
  }
  static iq::media_gateway_config sides() {
    iq::media_gateway_config out;
    const auto here = asio::ip::make_address("127.0.0.1");
    out.interfaces = {{"access", "access", here}, {"core", "core", here}};
    return out;
  }
  gateway::gateway_services made_services() {
    gateway::gateway_services out;
    out.ports = &ports_;
    out.dtls = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
    gateway::add_builtin_stages(out.subprotocols);
    return out;
  }
  template <class F>
  cost run(F f) {
    bool ended = false;
    asio::co_spawn(loop_, std::move(f), [&](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
      ended = true;
    });
    cost out;
    const double control = seconds(CLOCK_THREAD_CPUTIME_ID), process = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
    loop_.restart();
    while (!ended) {
      const double before = seconds(CLOCK_THREAD_CPUTIME_ID);
      loop_.run_one();
      out.longest = std::max(out.longest, seconds(CLOCK_THREAD_CPUTIME_ID) - before);
    }
    out.control = seconds(CLOCK_THREAD_CPUTIME_ID) - control;
    out.process = seconds(CLOCK_PROCESS_CPUTIME_ID) - process;
    out.wall = seconds(CLOCK_MONOTONIC) - wall;
    return out;
  }

  asio::io_context loop_{1};
  sctp::stack stack_;
  port_pool ports_;
  shard_pool shards_;
  h248::package_names names_;
  h248::endpoint control_;
  h248::registration registration_;
  gateway::gateway_services services_;
  iq::media_gateway gateway_;
  std::uint32_t last_ = 0;
};

const std::string core_side =
    "Add=ip/1/core/${Media{Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP/MSRP *\r\na=setup:passive\r\na=path:$\r\n}}}}";
const std::string access_side =
    "Add=ip/1/access/${Media{TerminationState{mgroup/sem=\"DEAGG 1 2\"},Stream=1{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\n"
    "m=application $ UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:passive\r\na=fingerprint:sha-256 $\r\na=ice-ufrag:$\r\na=ice-pwd:$\r\n"
    "a=candidate:$\r\na=sctp-port:$\r\na=max-message-size:262144\r\n}},Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=dcmap:0 subprotocol=\"msrp\";label=\"chat\"\r\n}}}}";
/// A termination without a socket: it would dial when it had a Remote.
const std::string idle_side =
    "Add=ip/1/core/${Media{Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=message 9 TCP *\r\na=setup:active\r\n}}}}";

double median(std::vector<double> all) {
  std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
  return all[all.size() / 2];
}

void print(const char* what, const cost& c) {
  std::printf("%-34s control %8.1f ms, process %8.1f ms, wall %8.1f ms, longest turn %6.2f ms, reply %zu octets in %zu messages, written in %.2f ms, longest piece %.2f ms\n", what,
              c.control * 1e3, c.process * 1e3, c.wall * 1e3, c.longest * 1e3, c.octets, c.messages,
              c.written * 1e3, c.longest_piece * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const int many = argc > 1 ? std::atoi(argv[1]) : 10'000;
  log::configure("off");
  bench b;
  std::vector<double> control, process;
  for (int i = 1; i <= 300; ++i) {
    const auto one = b.ask("Context=${" + core_side + "," + access_side + "}");
    control.push_back(one.control);
    process.push_back(one.process);
    b.ask("Context=" + std::to_string(i) + "{W-Subtract=*{Audit{}}}");
  }
  std::printf("the call flow's Adds, median of %zu: control loop %.1f us, process %.1f us\n", control.size(), median(control) * 1e6,
              median(process) * 1e6);

  const double before = resident_megabytes();
  for (int i = 0; i < many; ++i) b.ask("Context=${" + idle_side + "}");
  std::printf("%zu contexts: %.1f MB\n", b.contexts(), resident_megabytes() - before);
  const double with_contexts = resident_megabytes();
  print("C=*{AV=ROOT{AT{}}}", b.ask("Context=*{AuditValue=ROOT{Audit{}}}"));
  print("C=*{AV=*{AT{SA}}}", b.ask("Context=*{AuditValue=*{Audit{Statistics}}}"));
  print("C=*{W-S=*{AT{}}}", b.ask("Context=*{W-Subtract=*{Audit{}}}"));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("%zu contexts are left; peak %.1f MB above the contexts\n", b.contexts(), static_cast<double>(usage.ru_maxrss) / 1e3 - with_contexts);
}
