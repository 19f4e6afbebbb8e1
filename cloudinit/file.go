package cloudinit

// File is one file of a machine.
type File struct {
	Path    string
	Content string
	// Executable sets mode 0755. The default is 0644.
	Executable bool
	// RootOnly sets mode 0600.
	RootOnly bool
}

// Permissions returns the file's mode in cloud-init's form.
func (f File) Permissions() string {
	switch {
	case f.RootOnly:
		return "0600"
	case f.Executable:
		return "0755"
	default:
		return "0644"
	}
}
