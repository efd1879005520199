{{/* Refuse values that the schema lets pass. A secret is checked here, since the schema would print it. */}}
{{- define "exporter.check" -}}
{{- if and .Values.state.enabled .Values.state.existingClaim (gt (int .Values.shards) 1) -}}
{{- fail "state.existingClaim is one volume, and each of several shards needs one of its own" -}}
{{- end -}}
{{- with .Values.config -}}
{{- if not .targets -}}
{{- fail "config has no targets: there is nothing to watch" -}}
{{- end -}}
{{- if .shard -}}
{{- fail "config.shard is told to each pod by the chart: leave it out, and set shards" -}}
{{- end -}}
{{- range $login, $entry := .credentials -}}
{{- range $key := list "access_key" "password" "secret_key" "security_token" -}}
{{- $text := toString (default "" (get $entry $key)) -}}
{{- if not (regexMatch "^([$][{][A-Za-z_][A-Za-z0-9_]*[}])?$" $text) -}}
{{- fail (printf "config.credentials.%s.%s is a secret, and config is readable in a ConfigMap: give %s_file, or a variable as in ${NAME}" $login $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if regexMatch "^CLOUD_TASK_EXPORTER_(STATE_PATH|SHARD_INDEX|SHARD_TOTAL)$" .name -}}
{{- fail (printf "extraEnv: %s is set by the chart; see state and shards" .name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- if regexMatch "^--(state[.]path|shard[.](index|total))(=|$)" . -}}
{{- fail (printf "extraArgs: %s is set by the chart; see state and shards" .) -}}
{{- end -}}
{{- end -}}
{{- $known := dict -}}
{{- range $path, $bytes := .Files.Glob "files/rules/*.yaml" -}}
{{- range $group := ($bytes | toString | fromYaml).groups -}}
{{- range $rule := $group.rules -}}
{{- $_ := set $known (default "" $rule.alert) true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.prometheusRule.alerts -}}
{{- if not (hasKey $known $name) -}}
{{- fail (printf "prometheusRule.alerts.%s: there is no such alert" $name) -}}
{{- end -}}
{{- end -}}
{{- end }}
