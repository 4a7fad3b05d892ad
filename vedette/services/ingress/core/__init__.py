"""Pure decisions of ingress: paths, routes, hosts and origins."""
