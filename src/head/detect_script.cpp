#include "head/detect_script.h"

#include "graph/builder.h"

namespace graft::head {
namespace {

// The best of so many answers of a picture are compared with each other, block by block: a table of all pairs would not stay in the cache.
constexpr int candidates = 1000, block = 256;

constexpr const char* overlapping = R"(
def overlapping(a: Tensor, b: Tensor, share: float) -> Tensor:
    low = torch.maximum(a[:, :2].unsqueeze(1), b[:, :2].unsqueeze(0))
    high = torch.minimum(a[:, 2:].unsqueeze(1), b[:, 2:].unsqueeze(0))
    size = (high - low).clamp_min(0.0)
    common = size[:, :, 0] * size[:, :, 1]
    first = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    second = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return (common > share * (first.unsqueeze(1) + second.unsqueeze(0) - common)).float()

)";

// Greedy suppression keeps the one set in which a box is kept exactly if no surer kept box overlaps it. Starting from all boxes of a block
// that are free of those kept before, and asking each anew, the i-th round settles what hangs on chains of i boxes; rounds end when nothing
// changes.
constexpr const char* body = R"(    places: List[Tensor] = []
    for i in range(len(maps)):
        x = (torch.arange(maps[i].size(3), device=sides.device).float() + 0.5) * strides[i]
        y = (torch.arange(maps[i].size(2), device=sides.device).float() + 0.5) * strides[i]
        px = x.unsqueeze(0).expand(y.size(0), x.size(0)).reshape(-1)
        py = y.unsqueeze(1).expand(y.size(0), x.size(0)).reshape(-1)
        places.append(torch.stack([px, py, torch.ones_like(px) * strides[i]], 1))
    place = torch.cat(places)
    right = maps[0].size(3) * strides[0]
    bottom = maps[0].size(2) * strides[0]
    num_classes = class_logits.size(2)
    sure = (class_logits.float().sigmoid() * center_logits.float().sigmoid().unsqueeze(2)).sqrt().flatten(1)
    count = sure.size(0)
    boxes = torch.zeros([count, most_objects, 4], device=sides.device)
    scores = torch.zeros([count, most_objects], device=sides.device)
    classes = torch.zeros([count, most_objects], device=sides.device).long()
    for n in range(count):
        best, index = sure[n].topk(min(candidates, sure.size(1)))
        enough = best > least_score
        score = best[enough]
        index = index[enough]
        label = index % num_classes
        where = torch.floor_divide(index, num_classes)
        at = place.index_select(0, where)
        reach = sides[n].float().index_select(0, where) * at[:, 2:]
        box = torch.stack([(at[:, 0] - reach[:, 0]).clamp(0.0, right), (at[:, 1] - reach[:, 1]).clamp(0.0, bottom),
                           (at[:, 0] + reach[:, 2]).clamp(0.0, right), (at[:, 1] + reach[:, 3]).clamp(0.0, bottom)], 1)
        apart = box + (label.float() * 2.0 * (right + bottom)).unsqueeze(1)
        kept = apart[:0]
        chosen = index[:0]
        start = 0
        while start < apart.size(0) and chosen.size(0) < most_objects:
            some = apart[start : start + block]
            free = (overlapping(kept, some, overlap).sum(0) == 0.0).float()
            over = overlapping(some, some, overlap).triu(1).t()
            stays = free
            changes = True
            while changes:
                again = (torch.mv(over, stays) == 0.0).float() * free
                changes = not torch.equal(again, stays)
                stays = again
            more = stays.nonzero().squeeze(1)
            kept = torch.cat([kept, some.index_select(0, more)])
            chosen = torch.cat([chosen, more + start])
            start += block
        chosen = chosen[:most_objects]
        boxes[n, : chosen.size(0)] = box.index_select(0, chosen)
        scores[n, : chosen.size(0)] = score.index_select(0, chosen)
        classes[n, : chosen.size(0)] = label.index_select(0, chosen)
    return boxes, scores, classes
)";

}  // namespace

std::string detect_script(const DetectorOptions& options) {
  std::string arguments, maps, strides;
  for (std::size_t level = 0; level < options.maps.size(); ++level) {
    const std::string name = "map_" + std::to_string(level);
    arguments += ", " + name + ": Tensor";
    maps += (level == 0 ? "" : ", ") + name;
    strides += (level == 0 ? "" : ", ") + graph::literal(static_cast<double>(options.maps[level].stride));
  }
  const auto line = [](const std::string& name, const std::string& value) { return "    " + name + " = " + value + "\n"; };
  return overlapping + std::string("def detect(class_logits: Tensor, sides: Tensor, center_logits: Tensor") + arguments +
         ") -> Tuple[Tensor, Tensor, Tensor]:\n" + line("maps", "[" + maps + "]") + line("strides", "[" + strides + "]") +
         line("least_score", graph::literal(options.least_score)) + line("overlap", graph::literal(options.overlap)) +
         line("most_objects", std::to_string(options.most_objects)) + line("candidates", std::to_string(candidates)) +
         line("block", std::to_string(block)) + body;
}

}  // namespace graft::head
