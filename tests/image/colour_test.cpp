#include "graft/image/colour.h"

#include "golden_pictures.h"

using namespace graft;
using namespace graft::image;

namespace {

at::Tensor changed(const at::Tensor& source, const std::string& kind, double by) {
  if (kind == "brightness") return with_brightness(source, by);
  if (kind == "contrast") return with_contrast(source, by);
  if (kind == "saturation") return with_saturation(source, by);
  if (kind == "sharpness") return with_sharpness(source, by);
  if (kind == "hue") return with_hue(source, by);
  if (kind == "posterize") return posterized(source, static_cast<int>(by));
  if (kind == "solarize") return solarized(source, by);
  return kind == "equalize" ? equalized(source) : stretched_colours(source);
}

}  // namespace

TEST_CASE("Colour: every change gives what PIL gives, and leaves its source alone", "[image]") {
  const Json& golden = test::pictures().at("coloured");
  const at::Tensor source = test::picture_of(golden.at("source")), before = source.clone();
  CHECK(golden.at("cases").size() == 28);
  for (const Json& entry : golden.at("cases")) {
    INFO(entry.at("kind") << " " << entry.at("by"));
    CHECK(test::max_difference(changed(source, entry.at("kind"), entry.at("by")), test::picture_of(entry)) == 0);
  }
  CHECK(source.equal(before));
}

TEST_CASE("Colour: what all of one value is stretched or equalized to is itself", "[image]") {
  const at::Tensor grey = at::full({20, 20, 3}, 77, at::kByte);
  CHECK(stretched_colours(grey).equal(grey));
  CHECK(equalized(grey).equal(grey));
}

TEST_CASE("Colour: what is no picture is refused", "[image][error]") {
  const at::Tensor wrong = at::zeros({3, 4, 4});
  for (const std::string kind :
       {"brightness", "contrast", "saturation", "sharpness", "hue", "posterize", "solarize", "equalize", "autocontrast"}) {
    INFO(kind);
    CHECK(test::error_of<DataError>([&] { changed(wrong, kind, 1); }).code() == "graft-D050");
  }
}
