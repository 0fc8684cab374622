/* SPDX-License-Identifier: Apache-2.0 */
/* All cases: DRIVER_CASE(f, name) declares case_f(). */

/* cases_device.c */
DRIVER_CASE(open, "open checks identity and version before anything else")
DRIVER_CASE(callbacks,
            "each callback but those of interrupt and caches is needed, and room for the whole "
            "handle")
DRIVER_CASE(arguments, "every function refuses to go without what it needs")
DRIVER_CASE(attempts, "the device is asked as often as was said, and no oftener")
DRIVER_CASE(former_error, "an error of the run before is none of this one")
DRIVER_CASE(configuration, "a program for another configuration is refused")
DRIVER_CASE(load, "load_program copies the words and sets addresses")
DRIVER_CASE(start, "start returns at once and wait sees the end")
DRIVER_CASE(interrupts, "interrupts are enabled once, and cleared before a start and behind an end")
DRIVER_CASE(wait, "wait asks the interrupt first, and STATUS only behind it")
DRIVER_CASE(poll, "poll asks once, and tells an end once")
DRIVER_CASE(handler, "the handler takes the interrupt back, and whoever waits sees the end")
DRIVER_CASE(devices, "devices do not know of each other")
DRIVER_CASE(describe, "an error is told with cause and place")
DRIVER_CASE(accesses, "an access that fails is told, whichever it is")
DRIVER_CASE(memory, "memory is where the callback says, and what is in caches is told")
DRIVER_CASE(info, "the driver knows the design that it has opened")
DRIVER_CASE(window, "window and watchdog are set while the device is idle")
DRIVER_CASE(zeros, "open waits for the zeros of memories with codes, not for a program")
DRIVER_CASE(scrub, "scrub is refused while busy, and waits for its end")
DRIVER_CASE(halves, "a counter that goes on between its two halves is read as one")
DRIVER_CASE(error, "wait reports an error of the device with cause and address")
DRIVER_CASE(reset, "reset waits until the device has let go")
DRIVER_CASE(dirty_bus,
            "nothing starts on a bus that owes answers, until it has given them or was reset")
DRIVER_CASE(counters, "counters are 64 bits, low half first")
DRIVER_CASE(texts, "every code has a text of its own")

/* cases_image.c */
DRIVER_CASE(fields, "each field of an image is read from its place in the table")
DRIVER_CASE(full_image, "an image may be full to the last byte, not more")
DRIVER_CASE(busy_image, "an image is not loaded while a program runs")
DRIVER_CASE(loaded_image, "tensors go only to the image that is loaded, and not while it runs")
DRIVER_CASE(damaged_image, "damaged images are refused by a code")

/* cases_tensor.c */
DRIVER_CASE(planes, "each code is in its place of the planes, and comes back from there")
DRIVER_CASE(floats, "real numbers become the nearest codes, and come back in steps of the scale")
DRIVER_CASE(sums, "sums of more digits than a float has become the nearest float")
DRIVER_CASE(states, "a state begins with zeros, and goes from an output to an input of its kind")
DRIVER_CASE(contradictions, "a tensor that contradicts itself is not laid out")
