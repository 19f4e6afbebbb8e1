package screen

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// width is the largest number of columns of a line.
const width = 80

func (s Screen) paint(color, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// table writes rows in columns. The first column is cut if a row is too long.
func (s Screen) table(rows [][]string, paint func(row, column int, text string) string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	rest := 0
	for _, w := range widths[1:] {
		rest += w + 2
	}
	widths[0] = min(widths[0], max(8, width-rest))
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i])
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == len(row)-1 {
				padding = ""
			} else {
				padding += "  "
			}
			line.WriteString(paint(n, i, cell) + padding)
		}
		fmt.Fprintln(s.Out, strings.TrimRight(line.String(), " "))
	}
}

// cut shortens a text at its beginning, because the end distinguishes pods.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return "…" + string(runes[len(runes)-limit+1:])
}

// label is the width of the first column of rows.
const label = 10

func (s Screen) row(name, text string) { s.painted(name, bold, text) }

// painted writes a name and a text, which continues below itself.
func (s Screen) painted(name, color, text string) {
	for i, line := range wrap(text, width-label) {
		if i > 0 {
			name = ""
		}
		padding := strings.Repeat(" ", label-utf8.RuneCountInString(name))
		fmt.Fprintln(s.Out, s.paint(color, name)+padding+line)
	}
}

// wrap breaks a text into lines at spaces. It also breaks words that are longer than
// a line.
func wrap(text string, limit int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > limit {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			runes := []rune(word)
			lines, word = append(lines, string(runes[:limit])), string(runes[limit:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > limit:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
