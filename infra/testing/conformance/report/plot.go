package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The plot's measures, in the units of its view box.
const (
	plotWidth   = 1000
	plotLeft    = 58
	plotRight   = 12
	panelHeight = 104
	panelGap    = 30
	marksHeight = 26
	axisHeight  = 40
	// labelWidth is the room that a mark's label needs.
	letterWidth = 6.6
	// leastBar is the height of the smallest count that is not 0: one failure
	// among hundreds of requests must be seen.
	leastBar = 4
)

// drawing is a plot with everything computed.
type drawing struct {
	ID            string
	Width, Height int
	Left, Right   int
	Top, Bottom   int
	Panels        []drawnPanel
	Marks         []drawnMark
	Ticks         []tick
	XLabel        string
	// Middle and LabelY are where the x axis' label stands.
	Middle, LabelY int
	// Said tells what is drawn to those who cannot see it.
	Said string
}

type drawnPanel struct {
	Label            string
	Y, Bottom, Title int
	Ticks            []tick
	Lines            []drawnLine
	Legend           []legend
}

type drawnLine struct {
	Role, Style string
	Path        string
}

type legend struct {
	Role, Name string
	X, TextX   int
}

type drawnMark struct {
	X     string
	TextX string
	Label string // "" where there is no room
	Full  string
}

type tick struct {
	At   string
	Text string
}

// layOut computes the drawing of a plot.
func layOut(p Plot) drawing {
	d := drawing{
		ID: p.ID, Width: plotWidth, Left: plotLeft, Right: plotWidth - plotRight, Top: marksHeight,
		XLabel: p.XLabel, Middle: (plotLeft + plotWidth - plotRight) / 2,
	}
	least, most := p.span()
	x := scale{from: least, to: most, low: float64(d.Left), high: float64(d.Right)}
	y := marksHeight
	var said []string
	for _, panel := range p.Panels {
		y += panelGap
		d.Panels = append(d.Panels, drawPanel(panel, x, y))
		y += panelHeight
		said = append(said, panel.Label)
	}
	d.Bottom, d.LabelY, d.Height = y, y+axisHeight-6, y+axisHeight
	for _, at := range ticks(least, most, 10) {
		d.Ticks = append(d.Ticks, tick{x.at(at), compact(at)})
	}
	d.Marks = drawMarks(p.Marks, x)
	d.Said = fmt.Sprintf("%s over %s", strings.Join(said, ", "), p.XLabel)
	return d
}

// span is the range of x.
func (p Plot) span() (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, panel := range p.Panels {
		for _, line := range panel.Lines {
			for _, point := range line.Points {
				least, most = min(least, point[0]), max(most, point[0])
			}
		}
	}
	if least > most {
		return 0, 1
	}
	if least == most {
		most = least + 1
	}
	return least, most
}

func drawPanel(panel Panel, x scale, y int) drawnPanel {
	highest := 0.0
	for _, line := range panel.Lines {
		for _, point := range line.Points {
			highest = max(highest, point[1])
		}
	}
	steps := ticks(0, max(highest, 1e-9), 3)
	if highest == 0 {
		steps, highest = []float64{0}, 1
	}
	highest = max(highest, steps[len(steps)-1])
	v := scale{from: 0, to: highest, low: float64(y + panelHeight), high: float64(y)}
	d := drawnPanel{Label: panel.Label, Y: y, Bottom: y + panelHeight, Title: y - 9}
	for _, at := range steps {
		d.Ticks = append(d.Ticks, tick{v.at(at), compact(at)})
	}
	right := plotWidth - plotRight
	for i := len(panel.Lines) - 1; i >= 0; i-- {
		line := panel.Lines[i]
		if len(panel.Lines) > 1 {
			right -= int(float64(len([]rune(line.Name)))*letterWidth) + 26
			d.Legend = append(d.Legend, legend{Role: string(line.Role), Name: line.Name, X: right, TextX: right + 15})
		}
	}
	for _, line := range panel.Lines {
		one := drawnLine{Role: string(line.Role), Style: "line"}
		if panel.Style == StyleSteps {
			one.Style, one.Path = "steps", bars(line.Points, x, v)
		} else {
			one.Path = joined(line.Points, x, v)
		}
		if one.Path != "" {
			d.Lines = append(d.Lines, one)
		}
	}
	return d
}

// joined is the path through the points.
func joined(points [][2]float64, x, y scale) string {
	var b strings.Builder
	for i, p := range points {
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		b.WriteString(verb + x.at(p[0]) + " " + y.at(p[1]))
	}
	return b.String()
}

// bars is the path of a bar per point, up to the next point's x; nothing where
// the value is 0.
func bars(points [][2]float64, x, y scale) string {
	var b strings.Builder
	open := false
	for i, p := range points {
		end := p[0]
		if i+1 < len(points) {
			end = points[i+1][0]
		} else if i > 0 {
			end += p[0] - points[i-1][0]
		}
		if p[1] == 0 {
			if open {
				b.WriteString("V" + digits(y.low) + "Z")
				open = false
			}
			continue
		}
		if !open {
			b.WriteString("M" + x.at(p[0]) + " " + digits(y.low))
			open = true
		}
		top := min(y.to1(p[1]), y.low-leastBar)
		b.WriteString("V" + digits(top) + "H" + digits(min(x.to1(end), x.high)))
	}
	if open {
		b.WriteString("V" + digits(y.low) + "Z")
	}
	return b.String()
}

// drawMarks gives a label to each mark that has room for one.
func drawMarks(marks []Mark, x scale) []drawnMark {
	var out []drawnMark
	free := 0.0
	for _, m := range marks {
		if m.X < x.from || m.X > x.to {
			continue
		}
		at := x.to1(m.X)
		one := drawnMark{X: digits(at), TextX: digits(at + 4), Full: m.Label}
		width := float64(len([]rune(m.Label)))*letterWidth + 12
		if at >= free && at+width <= plotWidth {
			one.Label, free = m.Label, at+width
		}
		out = append(out, one)
	}
	return out
}

// scale maps from…to onto low…high.
type scale struct{ from, to, low, high float64 }

func (s scale) to1(v float64) float64 {
	return s.low + (v-s.from)/(s.to-s.from)*(s.high-s.low)
}

func (s scale) at(v float64) string { return digits(s.to1(v)) }

// digits writes a coordinate as briefly as the eye allows.
func digits(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// ticks are round values from least to most, about n of them.
func ticks(least, most float64, n int) []float64 {
	raw := (most - least) / float64(n)
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, f := range []float64{1, 2, 2.5, 5} {
		if f*unit >= raw {
			step = f * unit
			break
		}
	}
	var out []float64
	for i := math.Ceil(least / step); i*step <= most+step/1e6; i++ {
		out = append(out, i*step+0) // never -0
	}
	return out
}

// compact writes a value in at most four digits.
func compact(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + " M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + " k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
