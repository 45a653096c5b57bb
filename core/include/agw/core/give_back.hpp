// What a call needs in its first and last second only costs it no memory between the two.
#pragma once

namespace agw {

/// Empties `container` and frees its memory. `container = {}` would keep it: that assigns an empty initializer list.
template <class Container>
void give_back(Container& container) noexcept {
  Container().swap(container);
}

}  // namespace agw
