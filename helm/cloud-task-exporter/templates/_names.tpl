{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{/*
At most 52 characters: Kubernetes adds a hash to the names of a StatefulSet's pods, which are labels.
A release may have dots in its name, or a digit in front; a Service may not.
*/}}
{{- define "exporter.fullname" -}}
{{- $name := include "exporter.name" . -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- end -}}
{{- $full = replace "." "-" $full -}}
{{- if not (regexMatch "^[a-z]" $full) -}}
{{- $full = printf "exporter-%s" $full -}}
{{- end -}}
{{- regexReplaceAll "-+$" (trunc 52 $full) "" -}}
{{- end }}

{{/* The Service without an address of its own, by which each pod has a name. */}}
{{- define "exporter.headless" -}}
{{ include "exporter.fullname" . }}-pods
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: exporter
{{- end }}

{{- define "exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: test
{{- end }}

{{/* Labels of everything but pods. */}}
{{- define "exporter.labels" -}}
{{- include "exporter.labelsOf" (dict "root" .) -}}
{{- end }}

{{/* The same with `more` of the object, and of another `component`. The chart's own stand above all. */}}
{{- define "exporter.labelsOf" -}}
{{- $own := include "exporter.selectorLabels" .root | fromYaml -}}
{{- with .component -}}
{{- $_ := set $own "app.kubernetes.io/component" . -}}
{{- end -}}
{{- $_ := set $own "app.kubernetes.io/version" .root.Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- toYaml (merge $own (default dict .more) (default dict .root.Values.commonLabels)) -}}
{{- end }}

{{- define "exporter.image" -}}
{{- with .Values.image -}}
{{- with default (default dict $.Values.global).imageRegistry .registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .repository -}}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* "true" where the object of the Prometheus Operator is wanted: kind, and its values. */}}
{{- define "exporter.wanted" -}}
{{- $known := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) -}}
{{- if or (eq (toString .enabled) "true") (and (eq (toString .enabled) "auto") $known) -}}true{{- end -}}
{{- end }}

{{/* Which monitor tells Prometheus to scrape, if any: two would make two of each series. */}}
{{- define "exporter.monitor" -}}
{{- $pod := include "exporter.wanted" (dict "root" . "kind" "PodMonitor" "enabled" .Values.podMonitor.enabled) -}}
{{- $service := include "exporter.wanted" (dict "root" . "kind" "ServiceMonitor" "enabled" .Values.serviceMonitor.enabled) -}}
{{- if and $pod (eq (toString .Values.serviceMonitor.enabled) "true") -}}
{{- fail "serviceMonitor and podMonitor are both enabled: each series would be there twice" -}}
{{- end -}}
{{- if $pod -}}PodMonitor{{- else if $service -}}ServiceMonitor{{- end -}}
{{- end }}
