#include "tests/diagnostics/dump.h"

#include <sstream>

namespace whichhop::diagnostics {

std::string Join(RowSet rows) {
  std::string out;
  for (RowId row : rows) {
    if (!out.empty()) out += ' ';
    out += GetRow(row).id;
  }
  return out.empty() ? "-" : out;
}

std::string Dump(const Verdict& v) {
  const std::string_view type = ErrorTypeName(v.type);
  std::ostringstream out;
  out << v.status << " " << v.id.view() << " row " << Join(v.rows)
      << " | cause " << Join(v.cause) << " | reporter " << Join(v.reporter)
      << " | cleared " << Join(v.cleared) << " | " << BasisName(v.basis) << " "
      << (type.empty() ? "-" : type);
  return out.str();
}

}  // namespace whichhop::diagnostics
