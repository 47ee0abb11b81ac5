#pragma once

#include <string>

#include "cli/task.h"
#include "core/json.h"
#include "graft/data/class_map.h"

namespace graft::cli {

/// The help of --class-map.
inline constexpr const char* class_map_help =
    "Rename, join or leave out classes of the data: 'old=new,other=new,unwanted=', or a .json file {\"old\": \"new\"}; "
    "a class that is left out takes along its boxes, its entities, its place in lists, or the records that it is the label of";

/// What --class-map says, for the classes that a task learns. Throws ConfigError for another form, and for tasks without classes.
data::ClassMap class_map(const std::string& given, const Task& task, const std::string& label_separator);
/// The same for those of a saved head; names that the data lacks are told and no mistake.
data::ClassMap class_map(const std::string& given, const Json& head_config);

}  // namespace graft::cli
