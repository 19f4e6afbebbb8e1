package memlimit

import "runtime/metrics"

// usage holds Go's statistics of its heap.
type usage struct {
	// live is the number of bytes that survived the last collection.
	live uint64
	// reclaimable is a rough number of the bytes that the system could get back. It
	// counts all memory that was allocated since the last collection as garbage,
	// and adds the free memory that Go keeps.
	reclaimable uint64
	// cycles is the number of garbage collections.
	cycles uint64
}

// heap reads the usage without stopping the world.
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
	return usage{live: live, reclaimable: objects - min(live, objects) + free, cycles: h[3].Value.Uint64()}
}
