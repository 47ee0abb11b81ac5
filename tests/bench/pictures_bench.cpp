// Pictures a second, decoded and brought to a network's size and range, on one thread.
//
//   pictures_bench FOLDER      a folder of JPEGs; compare with bench/pictures_bench.py on the same
#include <graft/graft.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

using namespace graft;

namespace {

/// The best of three passes.
template <class Work>
void measure(const char* what, const std::vector<std::string>& paths, const Work& work) {
  double best = 1e9;
  for (int pass = 0; pass < 3; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& path : paths) work(path);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::printf("%-24s %7.0f pictures a second\n", what, static_cast<double>(paths.size()) / best);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("pictures_bench FOLDER\n", stderr), 2;
  runtime({.threads = 1});
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  paths.resize(std::min<std::size_t>(paths.size(), 150));

  measure("decoded", paths, [](const std::string& path) { image::read_picture(path); });
  const auto prepared = [&](const char* what, const image::PicturesOptions& options, Mode mode) {
    const image::Pictures pictures(options);
    measure(what, paths, [&](const std::string& path) {
      Rng rng(1);
      pictures({{{"image", path}}, path}, rng, mode);
    });
  };
  const image::PicturesOptions stretched{.height = 320, .width = 416, .fit = image::Fit::Stretch, .memory = 0}, cut{.memory = 0};
  prepared("stretched to 416 x 320", stretched, Mode::Eval);
  prepared("cut to 224 x 224", cut, Mode::Eval);
  image::PicturesOptions kept;
  kept.augment = {.crop = 0.35, .horizontal_flip = 0.5};
  prepared("kept, crop and flip", kept, Mode::Train);
  kept.augment.brightness = kept.augment.contrast = kept.augment.saturation = 0.2;
  prepared("and colours", kept, Mode::Train);
  kept.augment.hue = 0.1;
  prepared("and hue", kept, Mode::Train);
  kept.augment = {.operations = 2};
  prepared("kept, RandAugment of 2", kept, Mode::Train);
}
