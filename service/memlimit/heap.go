package memlimit

import "runtime/metrics"

// usage is what Go says of its heap.
type usage struct {
	// live is what the last collection found alive, in bytes.
	live uint64
	// spare is what the system would get back, in bytes, about: what has been
	// allocated since, as if none of it were alive, and what is free and kept.
	spare uint64
	// cycles is how often garbage was collected.
	cycles uint64
}

// heap reads the usage, which does not stop the world.
type heap []metrics.Sample

func newHeap() heap {
	return heap{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
}

func (h heap) read() usage {
	metrics.Read(h)
	live, objects, free := h[0].Value.Uint64(), h[1].Value.Uint64(), h[2].Value.Uint64()
	return usage{live: live, spare: objects - min(live, objects) + free, cycles: h[3].Value.Uint64()}
}
