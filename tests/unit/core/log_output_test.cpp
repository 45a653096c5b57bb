#include "log_output.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include <catch2/catch.hpp>

#include "agw/core/log.hpp"
#include "agw/core/log_state.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

struct pipe_pair {
  int fds[2] = {-1, -1};
  pipe_pair() { REQUIRE(::pipe2(fds, O_CLOEXEC) == 0); }
  ~pipe_pair() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  std::string read_some() {
    std::string out(65536, '\0');
    const auto n = ::read(fds[0], out.data(), out.size());
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  void fill() {
    ::fcntl(fds[1], F_SETFL, O_NONBLOCK);
    const std::string block(4096, 'x');
    while (::write(fds[1], block.data(), block.size()) > 0) {
    }
    ::fcntl(fds[1], F_SETFL, 0);
  }
};

struct folder {
  std::filesystem::path path;
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "agw-log-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::string read(const std::string& name) const {
    std::ifstream in(path / name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
};

/// Receives datagrams at a path.
struct datagram_receiver {
  int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  explicit datagram_receiver(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  ~datagram_receiver() { ::close(fd); }
  std::string receive() const {
    std::string out(65536, '\0');
    const auto n = ::recv(fd, out.data(), out.size(), MSG_DONTWAIT);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
};

/// The process's standard error, for as long as it lives.
struct stderr_as {
  int before = ::dup(2);
  explicit stderr_as(int fd) { ::dup2(fd, 2); }
  ~stderr_as() {
    ::dup2(before, 2);
    ::close(before);
  }
};

double seconds_of(const std::function<void()>& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("an output writes lines to its descriptor") {
  pipe_pair p;
  log::log_output out(p.fds[1]);
  CHECK(out.write("one\n"));
  CHECK(out.write("two\n"));
  CHECK(p.read_some() == "one\ntwo\n");
}

TEST_CASE("an output whose reader hangs waits no longer than the end allows") {
  pipe_pair p;
  p.fill();
  log::log_output out(p.fds[1]);
  std::thread ends([&] {
    while (out.waits_for() == clock::duration{}) std::this_thread::yield();
    out.end(100ms);
  });
  bool written = true;
  const auto took = seconds_of([&] { written = out.write("never\n"); });
  ends.join();
  CHECK_FALSE(written);
  CHECK(out.waits_for() == clock::duration{});
  CHECK(took > 0.09);
  CHECK(took < 5);
  CHECK(seconds_of([&] { CHECK_FALSE(out.write("nor this\n")); }) < 0.05);
}

TEST_CASE("a full disk loses the line, and the output goes on when there is room") {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  log::log_output out(full);
  CHECK_FALSE(out.write("lost\n"));
  CHECK(out.error() == ENOSPC);
  pipe_pair p;
  ::dup2(p.fds[1], full);
  CHECK(out.write("kept\n"));
  CHECK(p.read_some() == "kept\n");
  ::close(full);
}

TEST_CASE("a file that was renamed is opened anew when that is asked for") {
  const folder f;
  const auto name = (f.path / "agw.log").string();
  log::log_output out(name);
  REQUIRE(out.good());
  CHECK(out.write("one\n"));
  std::filesystem::rename(name, name + ".1");
  CHECK(out.write("two\n"));
  out.ask_reopen();
  CHECK_FALSE(out.reopen_if_asked());
  CHECK(out.write("three\n"));
  CHECK(f.read("agw.log.1") == "one\ntwo\n");
  CHECK(f.read("agw.log") == "three\n");
}

TEST_CASE("a file that cannot be opened says why, and one that cannot be opened anew stays") {
  const folder f;
  CHECK_FALSE(log::log_output((f.path / "no" / "agw.log").string()).good());
  std::filesystem::create_directory(f.path / "d");
  log::log_output out((f.path / "d" / "agw.log").string());
  std::filesystem::rename(f.path / "d", f.path / "e");
  out.ask_reopen();
  const auto failed = out.reopen_if_asked();
  REQUIRE(failed);
  CHECK(failed->find("agw.log cannot be opened anew") != std::string::npos);
  CHECK(out.write("still\n"));
  CHECK(f.read("e/agw.log") == "still\n");
}

TEST_CASE("a reader of the log that hangs holds up nobody who logs; what is dropped is counted, and told when it reads again") {
  pipe_pair p;
  p.fill();
  const auto before = log::dropped();
  {
    const stderr_as here(p.fds[1]);
    REQUIRE(log::configure("info"));
    const auto took = seconds_of([] {
      for (int i = 0; i < 20'000; ++i) log::record(log::level::info, "line", {{"number", std::to_string(i)}});
    });
    CHECK(took < 5);
    CHECK(log::dropped() - before > 10'000);
    std::string all;
    std::thread reader([&] {
      while (!all.ends_with("\nthe end\n")) all += p.read_some();
    });
    log::drain(10s);
    log::finish(5s);
    CHECK(::write(p.fds[1], "\nthe end\n", 9) == 9);
    reader.join();
    const auto told = all.find("warning the log dropped ");
    REQUIRE(told != std::string::npos);
    CHECK(all.find(" lines: nobody took them in time\n", told) != std::string::npos);
    CHECK(all.find("line number=19999\n") != std::string::npos);
    CHECK(all.find("line number=100\n") == std::string::npos);
  }
}

TEST_CASE("for how long the next line has been waiting is known, and why lines were lost is told with their number") {
  pipe_pair p;
  const int broken = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(broken >= 0);
  {
    const stderr_as here(broken);
    REQUIRE(log::configure("info"));
    log::warn("lost");
    log::drain(5s);
    CHECK(log::blocked() == clock::duration{});
    p.fill();
    ::dup2(p.fds[1], 2);
    log::warn("kept");
    while (log::blocked() < 20ms) std::this_thread::yield();
    std::string all;
    while (all.find("kept\n") == std::string::npos) all += p.read_some();
    log::finish(5s);
    CHECK(all.find("warning the log dropped 1 lines: No space left on device\n") != std::string::npos);
  }
  ::close(broken);
}

TEST_CASE("the log ends in time, although nobody reads it") {
  pipe_pair p;
  p.fill();
  const stderr_as here(p.fds[1]);
  REQUIRE(log::configure("info"));
  for (int i = 0; i < 1'000; ++i) log::record(log::level::info, "line", {});
  CHECK(seconds_of([] { log::finish(100ms); }) < 5);
}

TEST_CASE("a reader of the log that has gone does not end the process") {
  pipe_pair p;
  const auto before = log::dropped();
  {
    const stderr_as here(p.fds[1]);
    REQUIRE(log::configure("info"));
    ::close(p.fds[0]);
    log::warn("nobody reads this");
    log::finish(1s);
  }
  CHECK(log::dropped() == before + 1);
}

TEST_CASE("a log file takes lines in the configured format, and a folder that is missing is an error") {
  const folder f;
  log::config how;
  how.file = (f.path / "agw.log").string();
  how.as = log::format::json;
  how.level = "warning";
  REQUIRE_FALSE(log::configure(how));
  log::info("not this");
  log::warn("a line of {}", "JSON");
  std::filesystem::rename(f.path / "agw.log", f.path / "agw.log.1");
  log::drain(5s);
  log::reopen();
  log::drain(5s);
  log::error("the next");
  log::finish(5s);
  CHECK(f.read("agw.log.1").ends_with("\"level\":\"warning\",\"message\":\"a line of JSON\"}\n"));
  CHECK(f.read("agw.log").ends_with("\"level\":\"error\",\"message\":\"the next\"}\n"));
  how.file = (f.path / "no" / "agw.log").string();
  const auto why = log::configure(how);
  REQUIRE(why);
  CHECK(*why == how.file + ": No such file or directory");
  how.level = "loud";
  CHECK(log::configure(how)->find("loud") != std::string::npos);
}

TEST_CASE("a flood of one kind of line is limited, and the next line of it says how many were left out") {
  const folder f;
  log::config how;
  how.file = (f.path / "agw.log").string();
  REQUIRE_FALSE(log::configure(how));
  const auto before = log::left_out();
  for (int i = 0; i < 1'000; ++i) log::warn("flood {}", i);
  log::warn("another {}", 1);
  log::finish(5s);
  const auto text = f.read("agw.log");
  CHECK(log::left_out() - before > 500);
  CHECK(text.find("flood 0\n") != std::string::npos);
  CHECK(text.find("flood 999\n") == std::string::npos);
  CHECK(text.find("another 1\n") != std::string::npos);
}

TEST_CASE("a standard error that was closed is held by /dev/null, so that no socket becomes it") {
  const int before = ::dup(2);
  ::close(2);
  const bool configured = log::configure("info");
  log::warn("to nobody");
  const int next = ::open("/dev/null", O_RDONLY);
  log::finish(1s);
  ::dup2(before, 2);
  ::close(before);
  CHECK(configured);
  CHECK(next > 2);
  ::close(next);
}

TEST_CASE("a datagram is a whole line, its receiver may be started again, and one that reads nothing holds up the line, not its end") {
  folder f;
  const auto path = (f.path / "socket").string();
  CHECK_FALSE(log::log_output(log::log_output::datagrams{path}).good());
  auto receiver = std::make_unique<datagram_receiver>(path);
  log::log_output out(log::log_output::datagrams{path});
  REQUIRE(out.good());
  const std::string line = std::string(20'000, 'x') + "\n";
  CHECK(out.write(line));
  CHECK(receiver->receive() == line);

  receiver.reset();
  CHECK_FALSE(out.write("lost\n"));
  CHECK(out.error() == ECONNREFUSED);
  std::filesystem::remove(path);
  receiver = std::make_unique<datagram_receiver>(path);
  CHECK(out.write("after\n"));
  CHECK(receiver->receive() == "after\n");

  std::thread writer([&] {
    while (out.write("waits\n")) {
    }
  });
  for (int i = 0; i < 1000 && out.waits_for() < 50ms; ++i) std::this_thread::sleep_for(5ms);
  CHECK(out.waits_for() >= 50ms);
  out.end(10ms);
  writer.join();
  CHECK(out.error() == EAGAIN);
}
