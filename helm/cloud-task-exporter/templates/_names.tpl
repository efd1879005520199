{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{/* At most 52 characters: Kubernetes adds a hash to the names of a StatefulSet's pods, which are labels. */}}
{{- define "exporter.fullname" -}}
{{- $name := include "exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: exporter
{{- end }}

{{- define "exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{/* Labels of everything but pods and tests. */}}
{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
{{ include "exporter.otherLabels" . }}
{{- end }}

{{- define "exporter.otherLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- with .Values.image -}}
{{- with default $.Values.global.imageRegistry .registry }}{{ trimSuffix "/" . }}/{{ end -}}
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
