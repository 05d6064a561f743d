import { exposedHeaders, maxAgeSeconds, methods, origins, requestedHeaders } from '../rule-sets.ts'

/** A Caddyfile; several `header` lines of one field are alternatives. `log`: where its access log goes. */
export function caddyProxy(port: number, upstreamPort: number, log: string | undefined): string {
  const anyOrigin = origins.map((origin) => `\t\theader Origin ${origin}`).join('\n')
  const accessLog =
    log === undefined
      ? ''
      : `	log {
		output file ${log} {
			roll_disabled
		}
	}
`
  return `{
	admin off
	auto_https off
	log {
		level ERROR
	}
}
http://127.0.0.1:${port} {
	bind 127.0.0.1
${accessLog}	@allowed {
${anyOrigin}
	}
	@preflight method OPTIONS
	header Vary Origin
	handle @preflight {
		header @allowed {
			Access-Control-Allow-Origin {http.request.header.Origin}
			Access-Control-Allow-Credentials true
			Access-Control-Allow-Methods "${methods.join(',')}"
			Access-Control-Allow-Headers "${requestedHeaders}"
			Access-Control-Max-Age ${maxAgeSeconds}
		}
		respond 200
	}
	handle {
		header @allowed {
			Access-Control-Allow-Origin {http.request.header.Origin}
			Access-Control-Allow-Credentials true
			Access-Control-Expose-Headers "${exposedHeaders.join(',')}"
		}
		reverse_proxy 127.0.0.1:${upstreamPort}
	}
}
`
}
