#include "graft/core/error.h"

#include <stdexcept>
#include <utility>

namespace graft {
namespace {

std::vector<Problem> at_least_one(std::vector<Problem> problems) {
  if (problems.empty()) throw std::invalid_argument("graft::Error needs a problem");
  return problems;
}

std::string describe(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.message;
    if (!problem.place.empty()) text += " (" + problem.place + ")";
    if (!problem.remedy.empty()) text += "\n    " + problem.remedy;
  }
  return text;
}

}  // namespace

Error::Error(Problem problem, std::string details) : Error(std::vector<Problem>{std::move(problem)}, std::move(details)) {}

Error::Error(std::vector<Problem> problems, std::string details)
    : problems_(at_least_one(std::move(problems))), details_(std::move(details)), what_(describe(problems_)) {}

}  // namespace graft
