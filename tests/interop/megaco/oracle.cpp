// Random messages for erlang-megaco, and the comparison of what it makes of them.
//   megaco_oracle generate COUNT SEED FILE    messages of versions 1 to 3, each behind 4 bytes of length
//   megaco_oracle compare FILE RECODED        both decoders must accept each; read again, megaco's text must be the same message
//   megaco_oracle bench FILE SECONDS          microseconds of processor time to parse the message in FILE
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include <agw/h248/text.hpp>

#include "unit/h248/random_message.hpp"

using namespace agw::h248;

namespace {

std::string read_file(const char* name) {
  std::ifstream in(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uint32_t take_length(std::string_view& rest) {
  std::uint32_t n = 0;
  for (int i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
  rest.remove_prefix(4);
  return n;
}

std::string_view take(std::string_view& rest, std::size_t n) {
  const auto text = rest.substr(0, n);
  rest.remove_prefix(n);
  return text;
}

int generate(std::size_t count, std::uint64_t seed, const char* file) {
  std::ofstream out(file, std::ios::binary);
  h248_tests::message_generator versions[] = {{seed, 1, h248_tests::dialect::megaco},
                                              {seed + 1, 2, h248_tests::dialect::megaco},
                                              {seed + 2, 3, h248_tests::dialect::megaco}};
  for (std::size_t n = 0; n < count; ++n) {
    const std::string text = versions[n % 3].next();
    for (int shift = 24; shift >= 0; shift -= 8) out.put(static_cast<char>(text.size() >> shift));
    out << text;
  }
  return out.good() ? 0 : 1;
}

int compare(const char* sent_file, const char* recoded_file) {
  const std::string sent_bytes = read_file(sent_file), recoded_bytes = read_file(recoded_file);
  std::string_view sent = sent_bytes, recoded = recoded_bytes;
  std::size_t good = 0, bad = 0;
  std::map<std::string, std::size_t> reasons;
  const auto wrong = [&](const std::string& what, std::string_view text, std::string_view other) {
    ++bad;
    if (++reasons[what.substr(0, 100)] <= 2) std::cout << "---- " << what << "\n" << text << "\n=> " << other << "\n";
  };
  while (!sent.empty()) {
    if (recoded.size() < 5) {
      std::cout << "megaco stopped early\n";
      return 1;
    }
    const auto text = take(sent, take_length(sent));
    const bool accepted = take(recoded, 1)[0] == 1;
    std::string answer(take(recoded, take_length(recoded)));
    std::erase(answer, '\r');  // it ends the lines of session descriptions with CR LF
    const parsed_message ours = parse(std::string(text));
    if (!ours.ok()) {
      wrong("agw refuses: expected " + std::string(ours.errors().front().expected), text, answer);
    } else if (!accepted) {
      wrong("megaco refuses: " + answer, text, "");
    } else if (const parsed_message theirs = parse_view(answer); !theirs.ok()) {
      wrong("agw refuses what megaco wrote: expected " + std::string(theirs.errors().front().expected), text, answer);
    } else if (!(*ours == *theirs)) {  // without case but for strings, digit maps and session descriptions
      wrong("not the same message", to_text(*ours), to_text(*theirs));
    } else {
      ++good;
    }
  }
  for (const auto& [what, times] : reasons) std::cout << times << " x " << what << '\n';
  std::cout << good << " passed, " << bad << " failed\n";
  return bad == 0 && good > 0 ? 0 : 1;
}

int bench(const char* file, double seconds) {
  const std::string text = read_file(file);
  if (!parse_view(text).ok()) return 1;
  const std::clock_t start = std::clock();  // processor time, as the other side counts
  std::size_t rounds = 0, transactions = 0;
  double passed = 0;
  do {
    for (int i = 0; i < 1000; ++i) transactions += parse_view(text)->transactions.size();
    rounds += 1000;
    passed = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  } while (passed < seconds);
  if (transactions == 0) return 1;
  std::cout << passed * 1e6 / static_cast<double>(rounds) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "generate" && argc == 5) return generate(std::stoul(argv[2]), std::stoull(argv[3]), argv[4]);
  if (what == "compare" && argc == 4) return compare(argv[2], argv[3]);
  if (what == "bench" && argc == 4) return bench(argv[2], std::stod(argv[3]));
  std::cerr << "usage: generate COUNT SEED FILE | compare FILE RECODED | bench FILE SECONDS\n";
  return 2;
}
