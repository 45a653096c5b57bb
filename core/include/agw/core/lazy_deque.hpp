// A queue that is empty in nearly every call: the library's deque takes 600 octets for that, this one none.
#pragma once

#include <algorithm>

#include <boost/container/deque.hpp>

namespace agw {

template <class T>
using lazy_deque = boost::container::deque<T>;

template <class T, class F>
void erase_if(lazy_deque<T>& from, F of) {
  from.erase(std::remove_if(from.begin(), from.end(), of), from.end());
}

}  // namespace agw
