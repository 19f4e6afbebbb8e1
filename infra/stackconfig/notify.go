package stackconfig

// Notify configures who hears of the stack.
type Notify struct {
	// Webhook is the URL that gets a POST for each event: Slack's, or any that takes
	// JSON. It is a secret. Default none.
	Webhook string `config:"webhook"`
}
