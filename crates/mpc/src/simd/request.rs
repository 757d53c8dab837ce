//! Requests to valgrind: a few instructions that change nothing on a processor and
//! that valgrind, which interprets them, takes for a call.
//!
//! Why it exists: [`crate::secrecy`] marks secrets for memcheck. The sequence is
//! that of `valgrind.h` for x86-64, part of its stable interface.
//!
//! *Not here*: other processors. There every request gives zero, which says that
//! nobody listens.

/// What is asked of valgrind; the numbers are those of `valgrind.h` and
/// `memcheck.h`.
#[derive(Clone, Copy)]
pub(crate) enum Request {
    /// Gives how many valgrinds run one in another.
    Running = 0x1001,
    /// Gives how many errors were found so far.
    CountErrors = 0x1201,
    /// Bytes that nothing may depend on from here on.
    MakeUndefined = 0x4d43_0001,
    /// Bytes that are as good as any from here on.
    MakeDefined = 0x4d43_0002,
}

/// Asks about nothing in particular.
pub(crate) fn ask(request: Request) -> u64 {
    call([request as u64, 0, 0, 0, 0, 0])
}

/// Asks about the bytes of a value; the value stays what it is.
pub(crate) fn mark<T: ?Sized>(request: Request, value: &mut T) {
    let bytes = size_of_val(value) as u64;
    let address = std::ptr::from_mut(value).addr() as u64;
    call([request as u64, address, bytes, 0, 0, 0]);
    // What was read before the request must be read again.
    std::hint::black_box(value);
}

#[cfg(target_arch = "x86_64")]
fn call(words: [u64; 6]) -> u64 {
    let mut answer = 0u64;
    // SAFETY: the rotations add up to 128 bits and leave the register as it was, the
    // exchange is of a register with itself; valgrind reads `words` and writes the
    // answer. No memory changes.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn call(_: [u64; 6]) -> u64 {
    0
}
