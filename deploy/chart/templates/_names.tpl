{{- define "cors-sidecar.labels" -}}
{{ include "cors-sidecar.selected" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "cors-sidecar.selected" -}}
app.kubernetes.io/name: cors-sidecar
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "cors-sidecar.rules" -}}
{{ .Values.rulesConfigMap | default (printf "%s-rules" .Release.Name) }}
{{- end }}
