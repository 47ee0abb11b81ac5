# Writes each C++ block of a page that holds a main() to OUT_N.cpp and prints the names.
/^```cpp$/ { inside = 1; text = ""; next }
/^```$/ {
  if (inside && text ~ /int main\(/) {
    file = OUT "_" ++n ".cpp"
    printf "%s", text > file
    close(file)
    print file
  }
  inside = 0
}
inside { text = text $0 "\n" }
