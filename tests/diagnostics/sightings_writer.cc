// Relayed errors whose writer left marks. The status is the golden verdict's.

#include "tests/diagnostics/sighting_parts.h"

namespace whichhop::diagnostics {
namespace {

WriterFacts& Written(Observation& o, Generator generator, uint8_t score) {
  o.kind = Kind::kRelayed;
  o.writer.generator = generator;
  o.writer.score = score;
  return o.writer;
}

SIGHTING(NginxPageUsualApp) {
  Written(o, Generator::kNginx, 100).usual = "gunicorn";
}
SIGHTING(NginxPageUsualNginx) {
  Written(o, Generator::kNginx, 100).usual = "nginx/1.22.1";
}
SIGHTING(NginxPage) { Written(o, Generator::kNginx, 100); }
SIGHTING(NginxHeaderOnly) { Written(o, Generator::kNginx, 40); }
SIGHTING(HaproxyPage) { Written(o, Generator::kHaproxy, 80); }
SIGHTING(HaproxyTimeoutPage) {
  Written(o, Generator::kHaproxy, 80).sub_cause = SubCause::kResponseTimeout;
}
SIGHTING(AwsAlbPage) { Written(o, Generator::kAwsAlb, 100); }
SIGHTING(EnvoyNoHealthy) {
  Written(o, Generator::kEnvoy, 100).sub_cause = SubCause::kNoServer;
}
SIGHTING(EnvoyRefused) {
  Written(o, Generator::kEnvoy, 100).sub_cause = SubCause::kRefused;
}
SIGHTING(EnvoyRelayedField) { Written(o, Generator::kNone, 0).relayed = true; }
SIGHTING(HttpSysPage) {
  Written(o, Generator::kHttpSys, 100).sub_cause = SubCause::kAppDown;
}
SIGHTING(DjangoNamesDatabase) {
  Written(o, Generator::kDjango, 60).sub_cause = SubCause::kDatabase;
}
SIGHTING(WordpressNamesDatabase) {
  Written(o, Generator::kWordpress, 90).sub_cause = SubCause::kDatabase;
}
SIGHTING(ExpressNamesDatabase) {
  Written(o, Generator::kExpress, 100).sub_cause = SubCause::kDatabase;
}
SIGHTING(VarnishRelayedNginxPage) {
  Written(o, Generator::kNginx, 100).relayed = true;
}
SIGHTING(NoChallenge) { Written(o, Generator::kNone, 0).no_challenge = true; }
SIGHTING(TwoMaskSigns) {
  WriterFacts& writer = Written(o, Generator::kNone, 0);
  writer.varies_by_user = true;
  writer.unlike_sibling = true;
}

}  // namespace
}  // namespace whichhop::diagnostics
