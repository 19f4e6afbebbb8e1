package deploy

// Notified returns the name that the stack has in its machine's events for the
// webhook, or "" if the stack has no webhook.
func (r Request) Notified() string {
	if r.Webhook == "" {
		return ""
	}
	return r.Project + "/" + r.Stack
}
