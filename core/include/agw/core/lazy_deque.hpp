// A queue that is empty in nearly every call: the library's deque takes 600 octets for that, this one none.
#pragma once

#include <boost/container/deque.hpp>

namespace agw {

template <class T>
using lazy_deque = boost::container::deque<T>;

}  // namespace agw
