package mask

import "math/bits"

// cloudRule is a key that its issuer made recognisable.
type cloudRule struct {
	prefix string // anyDigit in it fits any digit
	of     class  // what follows
	min    int    // how much of it at least; all of it is taken
	back   int    // how much of a-zA-Z0-9_~. stands before the prefix
	edge   bool   // the prefix is too common to begin inside of a word
}

// findCloudKey looks at what follows the prefix from start to end.
func findCloudKey(p []byte, start, end int, r *cloudRule, f *found) {
	done := &f.cloudDone[bits.TrailingZeros16(uint16(r.of))]
	if start < *done || start < r.back || r.edge && !edge(p, start-1) {
		return
	}
	stop := run(p, end, r.of)
	f.looked += stop - start
	if stop-end < r.min {
		return
	}
	for k := start - r.back; k < start; k++ {
		if !is(p[k], dotted) && p[k] != '~' {
			return
		}
	}
	*done = stop
	f.add(start-r.back, stop, CloudKey)
}

// cloudRules: a prefix that is taken for one although shorter than its issuer
// makes them is harmless, so that minima are below what is issued. A prefix of two
// or three letters that begin ordinary words is left out: it would stop the scan
// at each of them.
var cloudRules = []cloudRule{
	// Amazon, Google, Microsoft, Alibaba, Yandex, IBM
	{prefix: "AKIA", of: capital, min: 16}, {prefix: "ASIA", of: capital, min: 16},
	{prefix: "ABIA", of: capital, min: 16}, {prefix: "ACCA", of: capital, min: 16},
	{prefix: "A3T", of: capital, min: 17, edge: true}, {prefix: "ABSK", of: base64, min: 100},
	{prefix: "bedrock-api-key-", of: base64, min: 16},
	{prefix: "AIza", of: token, min: 30}, {prefix: "ya29.", of: dotted, min: 20}, {prefix: "GOCSPX-", of: token, min: 20},
	{prefix: "\x01Q~", of: bearer, min: 28, back: 3},
	{prefix: "LTAI", of: alnum, min: 17},
	{prefix: "t1.", of: signed, min: 60, edge: true}, {prefix: "AQVN", of: token, min: 35}, {prefix: "YCAJE", of: token, min: 20},
	// GitHub, GitLab, registries of packages and images
	{prefix: "ghp_", of: alnum, min: 20}, {prefix: "gho_", of: alnum, min: 20}, {prefix: "ghu_", of: alnum, min: 20},
	{prefix: "ghs_", of: alnum, min: 20}, {prefix: "ghr_", of: alnum, min: 20}, {prefix: "github_pat_", of: token, min: 20},
	{prefix: "glpat-", of: dotted, min: 16}, {prefix: "glptt-", of: token, min: 16}, {prefix: "gldt-", of: token, min: 16},
	{prefix: "glrt-", of: dotted, min: 16}, {prefix: "glcbt-", of: token, min: 16}, {prefix: "glsoat-", of: token, min: 16},
	{prefix: "glimt-", of: token, min: 16}, {prefix: "glagent-", of: token, min: 16}, {prefix: "glft-", of: token, min: 16},
	{prefix: "glffct-", of: token, min: 16}, {prefix: "gloas-", of: token, min: 16}, {prefix: "GR1348941", of: token, min: 16},
	{prefix: "_gitlab_session=", of: token, min: 16},
	{prefix: "npm_", of: alnum, min: 30}, {prefix: "pypi-AgE", of: token, min: 30}, {prefix: "rubygems_", of: alnum, min: 30},
	{prefix: "CLOJARS_", of: alnum, min: 30}, {prefix: "dckr_pat_", of: token, min: 20}, {prefix: "oy2", of: alnum, min: 43, edge: true},
	{prefix: "AKCp", of: alnum, min: 60}, {prefix: "cmVmd", of: alnum, min: 55, edge: true},
	// Chat and mail
	{prefix: "xoxb-", of: token, min: 10}, {prefix: "xoxp-", of: token, min: 10}, {prefix: "xoxa-", of: token, min: 8},
	{prefix: "xoxr-", of: token, min: 8}, {prefix: "xoxs-", of: token, min: 8}, {prefix: "xoxo-", of: token, min: 8},
	{prefix: "xoxe-", of: dotted, min: 10}, {prefix: "xoxe.", of: dotted, min: 10}, {prefix: "xapp-", of: token, min: 10},
	{prefix: "hooks.slack.com/", of: signed, min: 20}, {prefix: "webhook.office.com/", of: signed, min: 20},
	{prefix: "SG.", of: signed, min: 40}, {prefix: "key-", of: alnum, min: 32, edge: true}, {prefix: "xkeysib-", of: token, min: 20},
	{prefix: "pubkey-", of: alnum, min: 32}, {prefix: "SK", of: alnum, min: 32, edge: true},
	// Payment
	{prefix: "sk_live_", of: alnum, min: 10}, {prefix: "sk_test_", of: alnum, min: 10}, {prefix: "sk_prod_", of: alnum, min: 10},
	{prefix: "rk_live_", of: alnum, min: 10}, {prefix: "rk_test_", of: alnum, min: 10}, {prefix: "rk_prod_", of: alnum, min: 10},
	{prefix: "whsec_", of: base64, min: 16}, {prefix: "EAAA", of: token, min: 18, edge: true}, {prefix: "sq0atp-", of: token, min: 18},
	{prefix: "sq0csp-", of: token, min: 18}, {prefix: "FLWSECK", of: token, min: 13}, {prefix: "FLWPUBK", of: token, min: 13},
	{prefix: "shippo_", of: token, min: 30}, {prefix: "EZAK", of: alnum, min: 40}, {prefix: "EZTK", of: alnum, min: 40},
	{prefix: "access-sandbox-", of: token, min: 30}, {prefix: "access-development-", of: token, min: 30},
	{prefix: "access-production-", of: token, min: 30}, {prefix: "live_pub_", of: token, min: 20}, {prefix: "test_pub_", of: token, min: 20},
	// Models
	{prefix: "sk-", of: token, min: 20, edge: true}, {prefix: "hf_", of: alnum, min: 30}, {prefix: "api_org_", of: alnum, min: 30},
	{prefix: "pplx-", of: alnum, min: 30},
	// Hosting, data, observability
	{prefix: "dop_v1_", of: alnum, min: 32}, {prefix: "doo_v1_", of: alnum, min: 32}, {prefix: "dor_v1_", of: alnum, min: 32},
	{prefix: "hvs.", of: token, min: 20}, {prefix: "hvb.", of: token, min: 20}, {prefix: ".atlasv1.", of: signed, min: 50, back: 14},
	{prefix: "glc_", of: base64, min: 30}, {prefix: "glsa_", of: token, min: 30}, {prefix: "eyJrIjoi", of: base64, min: 50},
	{prefix: "dapi", of: alnum, min: 32, edge: true}, {prefix: "dt0c01.", of: dotted, min: 40}, {prefix: "NRAK-", of: alnum, min: 20},
	{prefix: "NRJS-", of: alnum, min: 19}, {prefix: "NRII-", of: token, min: 20}, {prefix: "sntrys_", of: signed, min: 40}, {prefix: "sntryu_", of: alnum, min: 40},
	{prefix: "HRKU-AA", of: token, min: 40}, {prefix: "fo1_", of: token, min: 40}, {prefix: "fm1", of: signed, min: 60, edge: true},
	{prefix: "fm2_", of: signed, min: 60}, {prefix: "pscale_", of: signed, min: 32}, {prefix: "pul-", of: alnum, min: 40},
	{prefix: "dp.pt.", of: alnum, min: 30}, {prefix: "pnu_", of: alnum, min: 30}, {prefix: "p8e-", of: alnum, min: 30},
	{prefix: "sha256~", of: token, min: 40}, {prefix: "v1.0-", of: token, min: 100}, {prefix: "ops_eyJ", of: base64, min: 60},
	{prefix: "A3-", of: token, min: 30, edge: true}, {prefix: "AGE-SECRET-KEY-1", of: capital, min: 40}, {prefix: "ico-", of: alnum, min: 32, edge: true},
	{prefix: "sgp_", of: token, min: 40}, {prefix: "API-", of: capital, min: 26, edge: true}, {prefix: "tfp_", of: signed, min: 50},
	{prefix: "sm_", of: token, min: 20, edge: true},
	// Products
	{prefix: "shpat_", of: alnum, min: 30}, {prefix: "shpca_", of: alnum, min: 30}, {prefix: "shppa_", of: alnum, min: 30},
	{prefix: "shpss_", of: alnum, min: 30}, {prefix: "PMAK-", of: token, min: 50}, {prefix: "lin_api_", of: alnum, min: 30},
	{prefix: "ntn_", of: alnum, min: 40}, {prefix: "figd_", of: token, min: 30}, {prefix: "duffel_", of: signed, min: 40},
	{prefix: "rdme_", of: alnum, min: 60}, {prefix: "CFPAT-", of: token, min: 40}, {prefix: "ATATT3", of: signed, min: 100},
	{prefix: "4b1d", of: alnum, min: 38, edge: true}, {prefix: "fio-u-", of: signed, min: 40},
	{prefix: "dnkey-", of: signed, min: 40}, {prefix: "sl.", of: signed, min: 130, edge: true}, {prefix: "live_", of: signed, min: 40, edge: true},
	{prefix: "pk.", of: dotted, min: 60, edge: true}, {prefix: "tk-us-", of: token, min: 40},
	{prefix: "squ_", of: signed, min: 40}, {prefix: "sqp_", of: signed, min: 40}, {prefix: "sqa_", of: signed, min: 40},
	{prefix: "YC", of: token, min: 38, edge: true}, {prefix: "\x01:A", of: token, min: 34}, {prefix: "\x01|", of: token, min: 27},
	{prefix: "AAAAAAAAAAAAAAAAAAAAAA", of: signed, min: 60}, {prefix: "AAAAAAAAAA", of: signed, min: 43, back: 11},
	{prefix: "\x01%", of: token, min: 27}, {prefix: "pat.", of: dotted, min: 60, edge: true}, {prefix: "sat.", of: dotted, min: 60, edge: true},
	{prefix: "s-s4t2", of: token, min: 60}, {prefix: "_mmk", of: token, back: 36}, {prefix: "ZXlK", of: signed, min: 40},
	{prefix: "authress_", of: signed, min: 40}, {prefix: "scauth_", of: signed, min: 40, edge: true},
	{prefix: "EAAM", of: alnum, min: 100}, {prefix: "EAAC", of: alnum, min: 100},
}
