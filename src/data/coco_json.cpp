#include "data/coco_json.h"

#include <vector>

namespace graft::data {
namespace {

/// Puts values together as they are read. (Json::parse() with a filter takes time by the square of the number of values.)
class Builder final : public Json::json_sax_t {
 public:
  Json root;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }

  bool key(string_t& value) override {
    is_passed_over_ = value == "segmentation" || value == "keypoints";
    key_ = std::move(value);
    return true;
  }
  bool start_object(std::size_t) override { return begin(Json::object()); }
  bool start_array(std::size_t) override { return begin(Json::array()); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }

  bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  bool is_wanted() {
    const bool is_wanted = depth_passed_over_ == 0 && !is_passed_over_;
    is_passed_over_ = false;
    return is_wanted;
  }

  bool put(Json value) {
    if (is_wanted()) place(std::move(value));
    return true;
  }

  Json* place(Json value) {
    if (open_.empty()) return &(root = std::move(value));
    Json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  bool begin(Json empty) {
    if (is_wanted()) {
      open_.push_back(place(std::move(empty)));
    } else {
      ++depth_passed_over_;
    }
    return true;
  }

  bool end() {
    if (depth_passed_over_ > 0) {
      --depth_passed_over_;
    } else {
      open_.pop_back();
    }
    return true;
  }

  std::vector<Json*> open_;
  std::string key_;
  bool is_passed_over_ = false;
  /// How many arrays and objects deep it is in a value that is passed over.
  std::size_t depth_passed_over_ = 0;
};

}  // namespace

Json parse_coco(std::string_view text, const std::string& place) {
  Builder builder;
  if (!Json::sax_parse(text, &builder)) return parse_json(text, place);  // which tells what is wrong
  return std::move(builder.root);
}

}  // namespace graft::data
