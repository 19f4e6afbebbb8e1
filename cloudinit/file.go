package cloudinit

// File is one file of a machine.
type File struct {
	Path    string
	Content string
	// Executable files are 0755, all others 0644.
	Executable bool
}

// Permissions is the file's mode as cloud-init wants it.
func (f File) Permissions() string {
	if f.Executable {
		return "0755"
	}
	return "0644"
}
