// A link between two network namespaces that can be as bad as wanted: a TUN device in each, and this process carries the packets.
//
// usage: agw_test_link NAMESPACE_A NAMESPACE_B [SEED]      "-" is the namespace that it was started in
// It says "up" when the devices, link0 in each, are there; addresses are the caller's. Then it takes orders from its standard input, one on a line,
// each answered by "ok", and ends with the input. Orders take effect at once, and both ways unless said otherwise:
//   delay MS [JITTER_MS]   one way; each packet's own, within ± jitter, which reorders
//   loss SHARE             0 to 1 of the packets
//   reorder SHARE          of the packets do not wait the delay out
//   duplicate SHARE        of the packets arrive twice
//   rate MBIT QUEUE_KB     0 = unlimited; what does not fit into the queue is lost
//   mtu OCTETS             larger packets with UDP vanish without a word
//   cut, join              nothing passes; all passes again
//   port                   the NAT gives new ports to A's UDP: what comes for the old ones is lost
//   address                the NAT gives a new address to A's UDP: the next one of its network
//   counts                 answered by "ok PASSED LOST" instead
// Neither translation nor mtu is for TCP: signalling goes on when the media's path changes.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;
using packet = std::vector<unsigned char>;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// Containers often have the driver without its node.
void make_node() {
  if (::access("/dev/net/tun", F_OK) == 0) return;
  ::mkdir("/dev/net", 0755);
  if (::mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 200)) != 0 && errno != EEXIST) fail("/dev/net/tun");
}

descriptor tun_in(const std::string& name) {
  const descriptor home(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (name != "-") {
    const descriptor there(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (::setns(there.get(), CLONE_NEWNET) != 0) fail("namespace " + name);
  }
  descriptor out(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ifreq request{};
  std::strcpy(request.ifr_name, "link0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(out.get(), TUNSETIFF, &request) != 0) fail("link0 in " + name);
  if (::setns(home.get(), CLONE_NEWNET) != 0) fail("back home");
  return out;
}

/// A view of the headers of an IPv4 packet with UDP in it.
class udp_packet {
 public:
  static std::optional<udp_packet> of(packet& octets) {
    if (octets.size() < sizeof(iphdr) + sizeof(udphdr)) return std::nullopt;
    udp_packet out(octets);
    const bool whole = out.ip().version == 4 && out.ip().protocol == IPPROTO_UDP && (ntohs(out.ip().frag_off) & 0x1fff) == 0;
    if (!whole || out.ip().ihl < 5 || octets.size() < out.ip().ihl * 4u + sizeof(udphdr)) return std::nullopt;
    return out;
  }
  iphdr& ip() { return *reinterpret_cast<iphdr*>(octets_->data()); }
  udphdr& udp() { return *reinterpret_cast<udphdr*>(octets_->data() + ip().ihl * 4u); }
  /// What replaces a value of the header, with both checksums mended (RFC 1624).
  void set_source(std::uint32_t address, std::uint16_t port) {
    replace(ip().saddr, address);
    replace(udp().source, port);
  }
  void set_destination(std::uint32_t address, std::uint16_t port) {
    replace(ip().daddr, address);
    replace(udp().dest, port);
  }

 private:
  explicit udp_packet(packet& octets) : octets_(&octets) {}

  void replace(std::uint32_t& field, std::uint32_t value) {
    for (const unsigned shift : {0u, 16u}) {
      const auto before = static_cast<std::uint16_t>(field >> shift), after = static_cast<std::uint16_t>(value >> shift);
      ip().check = mended(ip().check, before, after);
      if (udp().check != 0) udp().check = mended(udp().check, before, after);
    }
    field = value;
  }
  void replace(std::uint16_t& field, std::uint16_t value) {
    if (udp().check != 0) udp().check = mended(udp().check, field, value);
    field = value;
  }
  static std::uint16_t mended(std::uint16_t check, std::uint16_t before, std::uint16_t after) {
    std::uint32_t sum = static_cast<std::uint16_t>(~check) + static_cast<std::uint32_t>(static_cast<std::uint16_t>(~before)) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }

  packet* octets_;
};

/// Translates A's UDP. The outside is the inside until the first change.
class nat {
 public:
  void change_port() {
    ++port_generation_;
    mappings_.clear();
  }
  void change_address() {
    ++address_generation_;
    mappings_.clear();
  }
  void outwards(packet& octets) {
    auto udp = udp_packet::of(octets);
    if (!udp) return;
    const endpoint inside(udp->ip().saddr, udp->udp().source);
    const endpoint outside(htonl(ntohl(inside.first) + address_generation_), htons(moved(ntohs(inside.second))));
    mappings_.insert_or_assign(outside, inside);
    udp->set_source(outside.first, outside.second);
  }
  /// False: there is no mapping (any more).
  bool inwards(packet& octets) const {
    auto udp = udp_packet::of(octets);
    if (!udp || (port_generation_ == 0 && address_generation_ == 0)) return true;
    const auto found = mappings_.find(endpoint(udp->ip().daddr, udp->udp().dest));
    if (found == mappings_.end()) return false;
    udp->set_destination(found->second.first, found->second.second);
    return true;
  }

 private:
  using endpoint = std::pair<std::uint32_t, std::uint16_t>;  // in network order

  std::uint16_t moved(std::uint16_t port) const {
    constexpr unsigned first = 1024, count = 65536 - first;
    return port < first ? port : static_cast<std::uint16_t>(first + (port - first + port_generation_ * 7919u) % count);
  }

  std::map<endpoint, endpoint> mappings_;
  unsigned port_generation_ = 0;
  unsigned address_generation_ = 0;
};

struct conditions {
  double delay_ms = 0;
  double jitter_ms = 0;
  double loss = 0;
  double reorder = 0;
  double duplicate = 0;
  double octets_per_second = 0;
  double queue_octets = 0;
  std::size_t mtu = 65535;
  bool cut = false;
};

/// One direction: packets and the time comes in, packets that are due come out.
class way {
 public:
  way(const conditions& how, std::mt19937& random) : how_(how), random_(random) {}

  void take(packet octets, steady::time_point now) {
    const bool too_large = octets.size() > how_.mtu && udp_packet::of(octets);
    const bool lost = how_.cut || too_large || happens(how_.loss);
    auto leaves = now;
    if (!lost && how_.octets_per_second > 0) {
      leaves = std::max(now, free_at_);
      const auto waiting = std::chrono::duration<double>(leaves - now).count() * how_.octets_per_second;
      if (waiting > how_.queue_octets) return lose();
      leaves += seconds(static_cast<double>(octets.size()) / how_.octets_per_second);
      free_at_ = leaves;
    }
    if (lost) return lose();
    if (happens(how_.duplicate)) queue_.emplace(leaves + delay(), octets);
    queue_.emplace(leaves + delay(), std::move(octets));
  }
  /// Of equal times the first that came.
  std::optional<packet> next(steady::time_point now) {
    if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
    ++passed_;
    auto node = queue_.extract(queue_.begin());
    return std::move(node.mapped());
  }
  std::optional<steady::time_point> due() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.begin()->first;
  }
  std::size_t passed() const noexcept { return passed_; }
  std::size_t lost() const noexcept { return lost_; }
  void lose() { ++lost_; }

 private:
  static steady::duration seconds(double s) { return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(s)); }
  bool happens(double share) { return share > 0 && std::uniform_real_distribution<>()(random_) < share; }
  steady::duration delay() {
    if (happens(how_.reorder)) return steady::duration::zero();
    const double jitter = how_.jitter_ms > 0 ? std::uniform_real_distribution<>(-how_.jitter_ms, how_.jitter_ms)(random_) : 0.0;
    return seconds(std::max(0.0, how_.delay_ms + jitter) / 1e3);
  }

  const conditions& how_;
  std::mt19937& random_;
  std::multimap<steady::time_point, packet> queue_;
  steady::time_point free_at_;
  std::size_t passed_ = 0;
  std::size_t lost_ = 0;
};

class bad_link {
 public:
  bad_link(const std::string& a, const std::string& b, unsigned seed) : random_(seed), a_(tun_in(a)), b_(tun_in(b)) {}

  /// Until the orders end.
  void run() {
    for (bool open = true; open;) {
      pollfd watched[3] = {{a_.get(), POLLIN, 0}, {b_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
      const auto limit = until_due();
      if (::ppoll(watched, 3, limit ? &*limit : nullptr, nullptr) < 0 && errno != EINTR) fail("ppoll");
      if (watched[0].revents) carry(a_, to_b_, [this](packet& octets) { return nat_.outwards(octets), true; });
      if (watched[1].revents) carry(b_, to_a_, [this](packet& octets) { return nat_.inwards(octets); });
      if (watched[2].revents) open = take_orders();
      deliver(to_b_, b_);
      deliver(to_a_, a_);
    }
  }

 private:
  template <class Translate>
  void carry(const descriptor& from, way& along, Translate translate) {
    unsigned char buffer[65536];
    for (int n = 0; n < 64; ++n) {
      const auto size = ::read(from.get(), buffer, sizeof(buffer));
      if (size <= 0) return;
      packet octets(buffer, buffer + size);
      if (translate(octets)) along.take(std::move(octets), steady::now());
      else along.lose();
    }
  }
  static void deliver(way& along, const descriptor& to) {
    // A device that is down or full loses the packet, as a wire would.
    while (auto octets = along.next(steady::now())) (void)!::write(to.get(), octets->data(), octets->size());
  }
  std::optional<timespec> until_due() const {
    auto first = to_a_.due();
    if (const auto other = to_b_.due(); other && (!first || *other < *first)) first = other;
    if (!first) return std::nullopt;
    const auto wait = std::max<std::chrono::nanoseconds>(*first - steady::now(), std::chrono::nanoseconds(0));
    return timespec{static_cast<time_t>(wait.count() / 1'000'000'000), static_cast<long>(wait.count() % 1'000'000'000)};
  }

  bool take_orders() {
    char buffer[4096];
    const auto size = ::read(STDIN_FILENO, buffer, sizeof(buffer));
    if (size <= 0) return false;
    orders_.append(buffer, static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = orders_.find('\n')) != std::string::npos; orders_.erase(0, end + 1)) {
      std::istringstream words(orders_.substr(0, end));
      std::cout << obey(words) << std::endl;
    }
    return true;
  }
  std::string obey(std::istringstream& words) {
    std::string order;
    words >> order;
    auto number = [&words](double otherwise = 0) {
      double value = otherwise;
      return words >> value ? value : otherwise;
    };
    if (order == "delay") how_.delay_ms = number(), how_.jitter_ms = number();
    else if (order == "loss") how_.loss = number();
    else if (order == "reorder") how_.reorder = number();
    else if (order == "duplicate") how_.duplicate = number();
    else if (order == "rate") how_.octets_per_second = number() * 1e6 / 8, how_.queue_octets = number() * 1e3;
    else if (order == "mtu") how_.mtu = static_cast<std::size_t>(number(65535));
    else if (order == "cut") how_.cut = true;
    else if (order == "join") how_.cut = false;
    else if (order == "port") nat_.change_port();
    else if (order == "address") nat_.change_address();
    else if (order == "counts") return "ok " + std::to_string(to_a_.passed() + to_b_.passed()) + ' ' + std::to_string(to_a_.lost() + to_b_.lost());
    else return "what is " + order + "?";
    return "ok";
  }

  conditions how_;
  std::mt19937 random_;
  descriptor a_;
  descriptor b_;
  way to_b_{how_, random_};
  way to_a_{how_, random_};
  nat nat_;
  std::string orders_;
};

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: agw_test_link NAMESPACE_A NAMESPACE_B [SEED]\n";
    return 2;
  }
  try {
    make_node();
    bad_link link(words[1], words[2], count > 3 ? static_cast<unsigned>(std::stoul(words[3])) : 1u);
    ::prctl(PR_SET_TIMERSLACK, 1000);
    std::cout << "up" << std::endl;
    link.run();
  } catch (const std::exception& e) {
    std::cerr << "agw_test_link: " << e.what() << '\n';
    return 1;
  }
}
