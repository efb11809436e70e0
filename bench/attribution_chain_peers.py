"""nginx and HAProxy in our place in a chain, at cdn and at lb, on ports of their own: the same
requests over the same hosts at the same time."""

import attribution_peers
from attribution_chain import CDN, LB, S1, S2, S3, STATIC, WEB, Server

PORTS = {"nginx": 81, "haproxy": 82}


def web_servers():
    return [f"{host}:{WEB}" for host in (S1, S2, S3)]


def nginx_upstream(name, servers):
    return f"upstream {name} {{ {''.join(f'server {each}; ' for each in servers)} keepalive 8; }}\n"


def nginx_pass(servers, name, tls, resolver):
    scheme = "https" if tls else "http"
    text = f"proxy_pass {scheme}://{name};"
    if resolver:  # a name is looked up again where it is a variable
        text = f"resolver {resolver} valid=1s; set $to {servers[0]}; proxy_pass {scheme}://$to;"
    if tls:
        text += (" proxy_ssl_verify on; proxy_ssl_trusted_certificate @ca;"
                 " proxy_ssl_name app.internal; proxy_ssl_server_name on;")
    return text


def nginx_lb(chain):
    layout = chain.layout
    cart = nginx_pass(layout.servers, "cart", layout.upstream_tls, chain.zone_address())
    tls = "ssl" if layout.lb_tls else ""
    certificate = "ssl_certificate @good.cert; ssl_certificate_key @good.key;" if tls else ""
    upstream = "" if chain.zone else nginx_upstream("cart", layout.servers)
    return f"""proxy_connect_timeout 4s; proxy_read_timeout 5s; proxy_send_timeout 5s;
proxy_next_upstream off;
{nginx_upstream("web", web_servers())}{upstream}
server {{ listen {LB}:{PORTS["nginx"]} {tls}; {certificate}
  location /web {{ proxy_pass http://web; }}
  location /cart {{ {cart} }}
  location /img {{ {cart} }}
  location / {{ return 404; }} }}"""


def nginx_cdn(chain):
    layout = chain.layout
    address = f"{layout.dc.rpartition(':')[0]}:{PORTS['nginx']}"
    dc = nginx_pass([address], "dc", layout.lb_tls, chain.zone_address("cdn"))
    upstream = "" if chain.zone else nginx_upstream("dc", [address])
    return f"""proxy_connect_timeout 4s; proxy_read_timeout 12s; proxy_send_timeout 5s;
proxy_next_upstream off;
client_header_timeout 4s; client_body_timeout 4s; client_max_body_size 64k;
{upstream}
server {{ listen {CDN}:{PORTS["nginx"]};
  location /static {{ proxy_pass http://{STATIC}:8000; }}
  {"".join(f"location /{path} {{ {dc} }} " for path in ("web", "cart", "img", "help"))}
  location / {{ return 404; }} }}"""


HAPROXY = """global
  maxconn 500
defaults
  mode http
  retries 0
  timeout connect 4s
  timeout client 10s
  timeout http-request 4s
  timeout server {server}
"""


def haproxy_servers(servers, tls, zone):
    options = " ssl verify required ca-file @ca sni str(app.internal)" if tls else ""
    options += " resolvers zone init-addr none" if zone else ""
    return "".join(f"  server s{i} {each}{options}\n" for i, each in enumerate(servers))


def haproxy_resolvers(zone):
    return (f"resolvers zone\n  nameserver ours {zone}\n  hold valid 1s\n  timeout resolve 500ms\n"
            "  timeout retry 500ms\n" if zone else "")


def haproxy_lb(chain):
    layout, zone = chain.layout, chain.zone_address()
    tls = f" ssl crt {chain.joined_pem()}" if layout.lb_tls else ""
    return (HAPROXY.format(server="5s") + haproxy_resolvers(zone) +
            f"frontend all\n  bind {LB}:{PORTS['haproxy']}{tls}\n"
            "  use_backend web if { path_beg /web }\n"
            "  use_backend cart if { path_beg /cart /img }\n"
            "backend web\n" + haproxy_servers(web_servers(), False, None) +
            "backend cart\n" + haproxy_servers(layout.servers, layout.upstream_tls, zone))


def haproxy_cdn(chain):
    layout, zone = chain.layout, chain.zone_address("cdn")
    address = f"{layout.dc.rpartition(':')[0]}:{PORTS['haproxy']}"
    return (HAPROXY.format(server="12s") + haproxy_resolvers(zone) +
            f"frontend all\n  bind {CDN}:{PORTS['haproxy']}\n"
            "  use_backend dc if { path_beg /web /cart /img /help }\n"
            "backend dc\n" + haproxy_servers([address], layout.lb_tls, zone))


CONFIGURATIONS = {"nginx": (nginx_lb, nginx_cdn), "haproxy": (haproxy_lb, haproxy_cdn)}


def start(chain):
    """{name: the process at lb}, of those that are installed."""
    at_lb = {}
    for name, (of_lb, of_cdn) in CONFIGURATIONS.items():
        if attribution_peers.version(name):
            make = getattr(Server, name)
            at_lb[name] = chain.start("lb", lambda make=make, text=chain.resolved(of_lb(chain)), at=(
                f"{LB}:{PORTS[name]}"): make(text, at))
            chain.start("cdn", lambda make=make, text=chain.resolved(of_cdn(chain)), at=(
                f"{CDN}:{PORTS[name]}"): make(text, at))
    return at_lb
