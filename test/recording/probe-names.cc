// Functions that only C++ names, with arguments of many types.
#include <cstdint>
#include <cstdio>

#define APART __attribute__((noipa))

namespace geo {

enum class Kind : unsigned char { a, b };

struct Shape {
  int w, h;
  Shape(int width, int height) : w(width), h(height) {}
  APART ~Shape();
  APART int area(int scale) const;
  APART static long long id(int64_t x, bool b, float g, double d, Kind k, char c, signed char sc, const char *s, uint8_t u);
};

Shape::~Shape() { w = 0; }

int Shape::area(int scale) const { return w * h * scale; }

long long Shape::id(int64_t x, bool b, float g, double d, Kind k, char c, signed char sc, const char *s, uint8_t u) {
  return x + b + (int)g + (int)d + (int)k + c + sc + s[0] + u;
}

APART int area(const Shape &s) { return s.area(2); }

template <typename T> APART T twice(T x) { return x + x; }

APART float half(float x, double y) { return x / 2 + y; }

// A class with a destructor goes by reference, whatever the source says.
APART int value(Shape s) { return s.h; }

}  // namespace geo

int main() {
  geo::Shape s(3, 4);
  int area = s.area(5) + geo::area(s);
  long long id = geo::Shape::id(1LL << 40, true, 1.5f, 2.25, geo::Kind::b, 'x', -3, "str", 200);
  std::printf("%d %lld %d %d %g %d\n", area, id, geo::twice<int>(21), geo::twice<short>(-4), geo::half(3, 0.25), geo::value(s));
  return 0;
}
