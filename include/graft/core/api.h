#pragma once

/// Marks what a shared library of graft exports; everything else is hidden.
#define GRAFT_API __attribute__((visibility("default")))
