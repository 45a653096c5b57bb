#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <tuple>
#include <unistd.h>

#include "agw/core/settings.hpp"

using namespace agw;

namespace {

struct target {
  address_port http{boost::asio::ip::make_address("127.0.0.1"), 9290};
  std::vector<std::string> mgc{"m:12944"};
  port_range ports{20000, 29999};
  unsigned threads = 0;
  std::map<std::string, std::string> realms{{"access", "access"}};
  std::string key;
};

struct table : settings {
  explicit table(target& v) : settings("agw-test", "1.2.3", "a program") {
    add("http.listen", v.http, kind::listen_address(), "metrics").option("--http", "ADDR:PORT");
    add("h248.mgc", v.mgc, kind::list(kind::text(3, 20), 1, 3), "controllers").option("--mgc", "HOST:PORT");
    add("", v.ports, kind::ports(1024, 65535), "ports of media").option("--ports", "LOW-HIGH");
    add("ports.low", v.ports.low, kind::integer<std::uint16_t>(1024, 65535), "");
    add("ports.high", v.ports.high, kind::integer<std::uint16_t>(1024, 65535), "");
    add("threads", v.threads, kind::integer<unsigned>(0, 64), "threads").option("--threads", "N");
    add("key", v.key, kind::text(0, 100), "").path();
    each("interfaces", "a name in small letters", [this, &v](const std::string& name) {
      if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos) return false;
      if (!declared_[name]++) add("interfaces." + name + ".realm", v.realms[name], kind::text(1, 10), "");
      return true;
    });
    rule([this, &v]() -> std::optional<config_error> {
      if (v.ports.low <= v.ports.high) return std::nullopt;
      return wrong({"ports.high", "ports.low"}, "at least ports.low");
    });
  }
  std::map<std::string, int> declared_;
};

// A configuration file that is gone with the test.
class file {
 public:
  explicit file(const std::string& text) {
    const int fd = mkstemp(name_);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    close(fd);
  }
  ~file() { std::remove(name_); }
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  const char* name() const { return name_; }

 private:
  char name_[32] = "/tmp/agw-settings-XXXXXX";
};

std::optional<early_exit> parse(target& v, std::initializer_list<const char*> words) {
  std::vector<const char*> argv{"agw-test"};
  argv.insert(argv.end(), words);
  table t(v);
  return t.parse(static_cast<int>(argv.size()), argv.data());
}

// The error line of a run that must end with 2.
std::string refused(std::initializer_list<const char*> words) {
  target v;
  const auto done = parse(v, words);
  REQUIRE(done);
  CHECK(done->code == 2);
  CHECK(done->text.find('\n') == std::string::npos);
  return done->text;
}

std::string refused_file(const std::string& text) {
  const file f(text);
  auto line = refused({"--config", f.name()});
  if (const auto at = line.find(f.name()); at != std::string::npos) line.replace(at, std::string(f.name()).size(), "FILE");
  return line;
}

}  // namespace

TEST_CASE("without file and options the defaults stand") {
  target v;
  CHECK_FALSE(parse(v, {}));
  CHECK(v.http.port == 9290);
  CHECK(v.mgc.size() == 1);
}

TEST_CASE("the file is read, and options override it wherever they stand") {
  const file f("threads = 3\n[http]\nlisten = \"127.0.0.1:1\"\n[h248]\nmgc = [\"a:1\", \"b:2\"]\n[ports]\nlow = 2000\n");
  target v;
  CHECK_FALSE(parse(v, {"--http", "[::1]:7", "--config", f.name(), "--ports=3000-4000"}));
  CHECK(v.threads == 3);
  CHECK(v.http.str() == "[::1]:7");
  CHECK(v.mgc == std::vector<std::string>{"a:1", "b:2"});
  CHECK(v.ports == port_range{3000, 4000});
}

TEST_CASE("an option that takes a list is repeated; of any other the last one counts") {
  target v;
  CHECK_FALSE(parse(v, {"--mgc", "a:1", "--mgc", "b:2", "--threads", "1", "--threads", "2"}));
  CHECK(v.mgc == std::vector<std::string>{"a:1", "b:2"});
  CHECK(v.threads == 2);
}

TEST_CASE("a wrong option is named, with what is allowed") {
  CHECK(refused({"--ports", "9-1"}) == "--ports: 9-1: allowed is LOW-HIGH, two ports from 1024 to 65535, the lower one first");
  CHECK(refused({"--threads", "many"}) == "--threads: many: allowed is an integer from 0 to 64");
  CHECK(refused({"--threads", ""}).starts_with("--threads: : allowed is an integer"));
  CHECK(refused({"--threads"}) == "--threads: no value: allowed is an integer from 0 to 64");
  CHECK(refused({"--mgc", "a:1", "--mgc", "b"})
            .starts_with("--mgc: a:1, b: allowed is a list of 1 to 3, each a text of 3 to 20 bytes"));
  CHECK(refused({"--treads", "1"}).starts_with("--treads: unknown option: "));
  CHECK(refused({"run"}).starts_with("run: unknown argument: "));
  CHECK(refused({"--mgc", "a:1", "b:2"}).starts_with("b:2: unknown argument: "));
  CHECK(refused({"--http", "a\nb"}).starts_with("--http: a?b: allowed is ADDRESS:PORT"));
  CHECK(refused({"--config"}).starts_with("--config: "));
  CHECK(refused({"--config", "/nonexistent"}) ==
        "--config: /nonexistent: No such file or directory: allowed is a file that can be read");
}

TEST_CASE("a wrong value in the file is named by key, file and line, with what is allowed") {
  CHECK(refused_file("[ports]\n\nlow = 70000\n") == "FILE:3: ports.low = 70000: allowed is an integer from 1024 to 65535");
  CHECK(refused_file("threads = \"2\"\n") == "FILE:1: threads = \"2\": allowed is an integer from 0 to 64");
  CHECK(refused_file("threads = 1\nthreads = 2\n").starts_with("FILE:2: "));
  CHECK(refused_file("[interfaces.access]\nrealm = \"\"\n") ==
        "FILE:2: interfaces.access.realm = \"\": allowed is a text of 1 to 10 bytes");
}

TEST_CASE("keys and tables that nobody knows are refused, with those that are known") {
  CHECK(refused_file("[ports]\nlo = 2000\n") == "FILE:2: ports.lo: unknown key: allowed in [ports] are low, high");
  CHECK(refused_file("[port]\n") == "FILE:1: port: unknown key: allowed at the top are http, h248, ports, threads, key, interfaces");
  CHECK(refused_file("ports = 5\n").starts_with("FILE:1: ports: unknown key: "));
  CHECK(refused_file("[http.listen]\n") == "FILE:1: http.listen: unknown key: allowed in [http] are listen");
  CHECK(refused_file("[interfaces.access]\nrealms = \"x\"\n") ==
        "FILE:2: interfaces.access.realms: unknown key: allowed in [interfaces.access] are realm");
}

TEST_CASE("a table of names the user chooses makes its settings as they appear") {
  const file f("[interfaces.core]\nrealm = \"ims\"\n[interfaces.empty]\n");
  target v;
  CHECK_FALSE(parse(v, {"--config", f.name()}));
  CHECK(v.realms.at("core") == "ims");
  CHECK(v.realms.at("access") == "access");
  CHECK(v.realms.count("empty") == 1);
  CHECK(refused_file("[interfaces.A]\n") == "FILE:1: interfaces.A: allowed is a name in small letters");
  CHECK(refused_file("interfaces.B.realm = \"x\"\n") == "FILE:1: interfaces.B: allowed is a name in small letters");
}

TEST_CASE("a rule over several values names the one that was given") {
  CHECK(refused_file("[ports]\nlow = 40000\n") == "FILE:2: ports.low = 40000: allowed is at least ports.low");
  CHECK(refused_file("[ports]\nlow = 3000\nhigh = 2000\n") == "FILE:3: ports.high = 2000: allowed is at least ports.low");
}

TEST_CASE("help, version and check end the program with success") {
  target v;
  const auto help = parse(v, {"--help"});
  REQUIRE(help);
  CHECK(help->code == 0);
  CHECK(help->text.starts_with("agw-test 1.2.3: a program\n\nusage: agw-test [OPTION...]\n"));
  for (const auto* part : {"--config FILE", "--check-config", "--http ADDR:PORT", "(default 127.0.0.1:9290)", "may be repeated",
                           "(default 20000-29999)"}) {
    CHECK(help->text.find(part) != std::string::npos);
  }
  CHECK(parse(v, {"-h"})->code == 0);
  CHECK(parse(v, {"--version"})->text == "agw-test 1.2.3");
  CHECK(parse(v, {"--check-config"})->text == "the default configuration: ok");
  const file good("threads = 1\n");
  const auto checked = parse(v, {"--check-config", "--config", good.name()});
  REQUIRE(checked);
  CHECK(checked->code == 0);
  CHECK(checked->text == std::string(good.name()) + ": ok");
  const file bad("threads = 65\n");
  CHECK(refused({"--check-config", "--config", bad.name()}).find(":1: threads = 65: allowed") != std::string::npos);
}

TEST_CASE("a relative path counts from the file's folder, an absolute one and an empty one stay") {
  for (const auto& [name, written, read] : {std::tuple{"/etc/agw/agw.toml", "cert.pem", "/etc/agw/cert.pem"},
                                            std::tuple{"conf/agw.toml", "../cert.pem", "conf/../cert.pem"},
                                            std::tuple{"agw.toml", "cert.pem", "cert.pem"},
                                            std::tuple{"/etc/agw/agw.toml", "/var/cert.pem", "/var/cert.pem"},
                                            std::tuple{"/etc/agw/agw.toml", "", ""}}) {
    target v;
    table t(v);
    const auto document = config_document::parse("key = \"" + std::string(written) + "\"\n", name);
    REQUIRE(document.has_value());
    CHECK_FALSE(t.load(*document));
    CHECK(v.key == read);
  }
}
