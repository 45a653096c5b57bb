#include "server_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

namespace agw::load {

namespace {

// Below what systems give to sockets that ask for any port, as our own do.
constexpr unsigned lowest_port = 10000, highest_port = 32000;

}  // namespace

std::string server_configuration(const load_options& o) {
  // Calls that end while others begin stand a little longer.
  const auto contexts = std::max<std::size_t>(1000, 2 * o.sessions + 1000);
  return "[limits]\ncontexts = " + std::to_string(contexts) + "\noverload_percent = 100\n\n[tcp]\nsource_ports = \"ports\"\n\n[log]\nlevel = \"warn\"\n";
}

void server_process::start(const load_options& o, const h248::peer_address& mgc) {
  auto pattern = (std::filesystem::temp_directory_path() / "agw-load-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the gateway: " + std::string(std::strerror(errno)));
  folder_ = pattern;
  auto config = o.config;
  if (config.empty()) {
    config = (folder_ / "agw-server.toml").string();
    std::ofstream(config) << server_configuration(o);
  }
  const auto own = mgc.host.is_v6() ? "[" + mgc.host.to_string() + "]:0" : mgc.host.to_string() + ":0";
  std::vector<std::string> words{o.start,    "--config", config,     "--h248", own,      "--mgc",  h248::to_text(mgc),
                                 "--access", o.access.to_string(),  "--core", o.core.to_string(), "--http", "127.0.0.1:0"};
  if (o.config.empty()) {
    words.push_back("--ports");
    words.push_back(std::to_string(lowest_port) + "-" + std::to_string(highest_port));
  }
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  const auto log = (folder_ / "agw-server.log").string();
  const int out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) throw std::runtime_error(log + ": " + std::strerror(errno));
  const auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execv(argv.front(), argv.data());
    const char text[] = "agw-load: it cannot be executed\n";
    (void)!::write(STDERR_FILENO, text, sizeof(text) - 1);
    ::_exit(127);
  }
  const int error = errno;
  ::close(out);
  if (pid_ < 0) {
    pid_ = 0;
    throw std::runtime_error("fork: " + std::string(std::strerror(error)));
  }
}

bool server_process::running() {
  if (pid_ == 0 || status_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = status;
  return false;
}

void server_process::stop(bool keep_folder) {
  if (pid_ == 0) return;
  if (running()) {
    ::kill(pid_, SIGTERM);
    const auto by = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (running() && std::chrono::steady_clock::now() < by) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (running()) {
      ::kill(pid_, SIGKILL);
      int status = 0;
      ::waitpid(pid_, &status, 0);
      status_ = status;
    }
  }
  pid_ = 0;
  std::error_code ignored;
  if (!keep_folder) std::filesystem::remove_all(folder_, ignored);
}

server_process::~server_process() { stop(true); }

std::string server_process::last_words() const {
  std::ifstream in(folder_ / "agw-server.log");
  const std::string all(std::istreambuf_iterator<char>(in), {});
  constexpr std::size_t most = 2000;
  return all.size() > most ? all.substr(all.size() - most) : all;
}

}  // namespace agw::load
