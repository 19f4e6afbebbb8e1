package deploy

// Notified returns the name of the stack in events that a machine sends to the
// webhook, or "" if the stack has no webhook.
func (r Request) Notified() string {
	if r.Webhook == "" {
		return ""
	}
	return r.Project + "/" + r.Stack
}
