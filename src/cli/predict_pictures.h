#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "graft/predict/predictor.h"

namespace graft::cli {

struct PictureRequest {
  /// Files, and folders whose pictures are meant.
  std::vector<std::string> paths;
  /// Where copies with their answers drawn in go, and predictions.json; empty: nowhere.
  std::string out;
  /// Boxes less sure than this are not shown or written.
  double least_score = 0.5;
  /// See PredictOptions.
  bool mirrored = false;
};

/// Answers for pictures, one line each; those that cannot be read are told and passed over. The program's exit code.
int predict_pictures(const Predictor& predictor, const PictureRequest& request, const Voice& voice);

}  // namespace graft::cli
