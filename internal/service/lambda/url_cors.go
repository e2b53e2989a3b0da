package lambda

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/lambda"
)

// corsRules are the settings of a function URL for web pages of other sites. They
// take the place of what the function says.
type corsRules = api.Cors

// allowed reports whether a list of the rules has a value.
func allowed(list []string, v string) bool {
	return slices.ContainsFunc(list, func(one string) bool { return one == "*" || strings.EqualFold(one, v) })
}

// allowOrigin adds what a browser needs to show a page the answer.
func allowOrigin(h http.Header, r *http.Request, c *corsRules) {
	if c == nil {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !allowed(c.AllowOrigins, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if value(c.AllowCredentials) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

// preflight answers a browser that asks what it may send. The function does not hear of it.
func preflight(w http.ResponseWriter, r *http.Request, c *corsRules) bool {
	if c == nil || r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	allowOrigin(h, r, c)
	h.Del("Access-Control-Expose-Headers")
	if h.Get("Access-Control-Allow-Origin") != "" && allowed(c.AllowMethods, r.Header.Get("Access-Control-Request-Method")) {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
		if len(c.AllowHeaders) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		}
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.FormatInt(*c.MaxAge, 10))
		}
	}
	w.WriteHeader(http.StatusOK)
	return true
}
