// The public call, under the name that agw's own tests use.
#pragma once

#include "rig.hpp"
