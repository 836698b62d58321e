# include/: the headers that rooms share.
noinst_HEADERS = \
	include/guardrail/arena.h include/guardrail/base.h include/guardrail/buf.h include/guardrail/diag.h \
	include/guardrail/diag_codes.def include/guardrail/duration.h include/guardrail/file.h include/guardrail/hash.h \
	include/guardrail/http_client.h include/guardrail/json.h include/guardrail/node.h include/guardrail/number.h include/guardrail/pages.h include/guardrail/policy.h \
	include/guardrail/promql.h include/guardrail/quantity.h include/guardrail/quote.h include/guardrail/rulefile.h include/guardrail/rulelint.h \
	include/guardrail/source.h include/guardrail/strset.h include/guardrail/sys.h include/guardrail/template.h
