// The H.248 text messages in a capture file: pcap or pcapng; Ethernet, Linux cooked, raw IP or loopback; UDP, TPKT over TCP, and
// SCTP with payload protocol 7, also in UDP at port 9899. Messages are known by their first bytes, and by port 2944.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace agw::h248_tool {

struct captured_message {
  std::size_t frame = 0;      // in the capture, from 1; of the last piece
  std::int64_t time_us = 0;   // since the first frame
  std::string from;           // address:port
  std::string to;
  std::string text;
};

struct capture {
  std::vector<captured_message> messages;
  std::size_t frames = 0;
  std::size_t unread = 0;   // frames cut short by the snap length, datagrams whose fragments are not all there, holes in TCP streams
  std::size_t unknown = 0;  // frames of a link type that is not known
};

// What a reader of the messages has to know besides, a line each; empty when nothing is missing.
std::string what_is_missing(const capture& c);

// Throws std::runtime_error if `bytes` are no capture.
capture read_capture(const std::string& bytes);

}  // namespace agw::h248_tool
