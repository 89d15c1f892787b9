{{- define "bellhop.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* 52: Service names have 63 characters at most, and -metrics or -tls is added to this one. */}}
{{- define "bellhop.fullname" -}}
{{- $name := include "bellhop.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "bellhop.selector" -}}
app.kubernetes.io/name: {{ include "bellhop.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bellhop.labels" -}}
{{ include "bellhop.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "bellhop.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "bellhop.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "bellhop.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "bellhop.tlsSecret" -}}
{{ default (printf "%s-tls" (include "bellhop.fullname" .)) .Values.certificates.secretName }}
{{- end }}

{{- define "bellhop.certDir" -}}
/etc/webhook/certs
{{- end }}

{{- /* The keys of `webhook:` that must agree with the objects of this chart. */}}
{{- define "bellhop.ownSettings" -}}
listenPort: {{ .Values.ports.webhook }}
statusPort: {{ .Values.ports.health }}
serviceName: {{ include "bellhop.fullname" . }}
servicePort: {{ .Values.service.port }}
secretName: {{ include "bellhop.tlsSecret" . }}
certDir: {{ include "bellhop.certDir" . }}
certificates: {{ ternary "self" "files" (eq .Values.certificates.mode "self") }}
{{- with .Values.certificates.own }}
ownCertificates: {{- toYaml . | nindent 2 }}
{{- end }}
disableCreateMutatingWebhookConfig: {{ ne .Values.registration.mode "server" }}
{{- if .Values.policy.enabled }}
statusAnnotation: true
{{- end }}
{{- if .Values.cacheInvalidation.authentication }}
cacheInvalidationPort: {{ .Values.ports.cache }}
cacheInvalidation: {{- include "bellhop.cacheInvalidation" . | nindent 2 }}
{{- end }}
{{- /* Also where it is empty: then `secretName` is bellhop's own, and not Flyte's. */}}
flyteSecretName: {{ .Values.certificates.flyteSecretName | quote }}
{{- with .Values.registration }}
{{- if eq .mode "server" }}
{{- with .namespaceSelector }}
namespaceSelector: {{- toYaml . | nindent 2 }}
{{- end }}
registration:
  failurePolicy: {{ .failurePolicy }}
  timeoutSeconds: {{ .timeoutSeconds }}
  matchConditions:
    - {{- include "bellhop.notAMirror" $ | nindent 6 }}
    {{- with .matchConditions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Who may have values forgotten; what is lacking stops the installation. */}}
{{- define "bellhop.cacheInvalidation" -}}
{{- with .Values.cacheInvalidation -}}
authentication: {{ .authentication }}
{{- if eq .authentication "token" }}
{{- $_ := required "cacheInvalidation.tokenSecret.name: which Secret has the token?" .tokenSecret.name }}
tokenFile: {{ include "bellhop.cacheTokenDir" $ }}/token
{{- else if eq .authentication "kubernetes" }}
{{- if not .users }}{{ fail "cacheInvalidation.users: which service accounts may have values forgotten?" }}{{ end }}
users: {{- toYaml .users | nindent 2 }}
{{- else if not .from }}
{{- fail "cacheInvalidation.from: with authentication none, which peers may reach the port?" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "bellhop.cacheTokenDir" -}}
/etc/webhook/cache-token
{{- end }}

{{- /* Seconds before the end of a certificate of so many days by which it should long have been renewed. */}}
{{- define "bellhop.overdueSeconds" -}}
{{- $share := default (divf 2.0 3.0) .root.Values.certificates.own.renewAtShare | float64 -}}
{{ round (mulf .days (subf 1.0 $share) 0.3 86400) 0 | int64 }}
{{- end }}

{{- /* Static pods are mirrored as the kubelet has them: they cannot be changed. */}}
{{- define "bellhop.notAMirror" -}}
name: not-a-mirror-pod
expression: "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)"
{{- end }}

{{- /* Keys of `webhook:` that fit the image, unless the user's bellhop.yaml has them. */}}
{{- define "bellhop.defaultSettings" -}}
pull:
  image: {{ include "bellhop.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/usr/bin/bellhop, pull]
{{- with .Values.rbac.valueSecrets }}
{{- if or .cluster .namespaces }}
valueSecrets:
  namespaces: {{ ternary (list "*") .namespaces .cluster | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{- /* bellhop.yaml: the user's, over what is below it, and under what must agree with the objects. */}}
{{- define "bellhop.config" -}}
{{- $below := dict "apiVersion" "bellhop/v1" "webhook" (include "bellhop.defaultSettings" . | fromYaml) -}}
{{- $above := dict "webhook" (include "bellhop.ownSettings" . | fromYaml) -}}
{{- mergeOverwrite $below (deepCopy .Values.config) $above | toYaml -}}
{{- end }}

{{- /* Never the namespaces that a cluster needs to come up, nor our own: bellhop must not wait for itself. */}}
{{- define "bellhop.namespaceSelector" -}}
{{- $never := list "kube-system" "kube-node-lease" .Release.Namespace | uniq -}}
{{- $own := dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" $never -}}
{{- $more := .Values.registration.namespaceSelector -}}
{{- with $more.matchLabels }}
matchLabels: {{- toYaml . | nindent 2 }}
{{- end }}
matchExpressions: {{- toYaml (concat (list $own) (default (list) $more.matchExpressions)) | nindent 2 }}
{{- end }}

{{- /* The name of the entry in the MutatingWebhookConfiguration. */}}
{{- define "bellhop.webhookName" -}}
{{ include "bellhop.fullname" . }}.flyte.org
{{- end }}

{{- /* Flyte's rule for which annotations are secrets; src/webhook/registration.ts has the same. */}}
{{- define "bellhop.asksForSecrets" -}}
has(object.metadata.annotations) && object.metadata.annotations.exists(k, k.startsWith('flyte.secrets/s'))
{{- end }}
